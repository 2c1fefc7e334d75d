"""The NCNN layers that a pack may use: those that the edge core is built with, by the class names of NCNN."""

from edgewright_train.errors import CheckError

from .ncnn_param import Layer

NCNN_LAYERS = frozenset({
    "BatchNorm", "Bias", "BinaryOp", "Cast", "Clip", "Concat", "Convolution", "ConvolutionDepthWise", "Crop",
    "Dequantize", "ELU", "Eltwise", "Flatten", "GELU", "HardSigmoid", "HardSwish", "InnerProduct", "Input", "Interp",
    "MemoryData", "Mish", "PReLU", "Packing", "Padding", "Permute", "PixelShuffle", "Pooling", "Quantize", "ReLU",
    "Reduction", "Requantize", "Reshape", "SELU", "Scale", "ShuffleChannel", "Sigmoid", "Slice", "Softmax", "Split",
    "Squeeze", "Swish", "TanH", "UnaryOp",
})  # fmt: skip


def refuse_foreign_layers(layers: list[Layer]) -> None:
    """Raises `CheckError`.  pnnx leaves what it cannot convert under PyTorch's or its own name."""
    if foreign := sorted({layer.kind for layer in layers} - NCNN_LAYERS):
        raise CheckError(f"ncnn: no layer of the edge core (edge/cmake/ncnn.cmake) for: {', '.join(foreign)}")
