"""A checkpoint's network between the pre- and post-processing that belong to it."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .checkpoint import Checkpoint, Header
from .models.architecture import Normalisation
from .tasks.decode import Decode
from .vision.preprocess import Preprocess

# (height, width, 3) uint8 network image -> output name -> (channels, height, width); PyTorch and every runtime alike
Run = Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]


def preprocess_of(header: Header) -> Preprocess:
    """From a source image to the network's input."""
    normalisation = header.architecture.normalisation
    return Preprocess(
        width=header.width,
        height=header.height,
        colour_order=normalisation.colour_order,
        resize=header.resize,
        interpolation="linear",
        mean=normalisation.mean,
        scale=normalisation.scale,
        padding=header.padding,
    )


def decode_of(header: Header) -> Decode:
    """From the deployed network's outputs to its result."""
    decode = header.architecture.decode((header.width, header.height), header.anchors_px)
    return decode.model_copy(update={"activation": "sigmoid"}) if header.multi_label else decode


def normalised(images: Tensor, normalisation: Normalisation) -> Tensor:
    """(N, 3, H, W) uint8 BGR -> float32 as the network wants it, in the same memory layout."""
    pixels = images.flip(1) if normalisation.colour_order == "rgb" else images
    mean, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (normalisation.mean, normalisation.scale))
    return (pixels.float() - mean) * scale


def torch_run(checkpoint: Checkpoint) -> Run:
    """The checkpoint's network as it is, nothing folded; it must be in eval mode."""
    arch, preprocess = checkpoint.header.architecture, preprocess_of(checkpoint.header)
    deployed = arch.deploy(checkpoint.network)
    device = next(checkpoint.network.parameters()).device

    def run(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = deployed(torch.from_numpy(preprocess.normalise(network_image)).to(device))
        return {name: output[0].cpu().numpy() for name, output in zip(arch.output_names, outputs, strict=True)}

    return run
