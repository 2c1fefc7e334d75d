# ncnn from its pinned source release (NCNN_SOURCE_DIR), with the layers the model zoo uses and nothing else.
# Adding a layer: its class name as in ncnn's src/CMakeLists.txt, here and in export's ncnn_layers.py, which refuses to
# export a network that needs another one.
# -DEDGEWRIGHT_PACK_LAYERS= builds in those of one pack instead (edgewright_edge.building.cross).
set(EDGEWRIGHT_NCNN_LAYERS
  BatchNorm Bias BinaryOp Cast Clip Concat Convolution ConvolutionDepthWise Crop Dequantize ELU Eltwise Flatten GELU
  HardSigmoid HardSwish InnerProduct Input Interp MemoryData Mish PReLU Packing Padding Permute PixelShuffle Pooling
  Quantize ReLU Reduction Requantize Reshape SELU Scale ShuffleChannel Sigmoid Slice Softmax Split Squeeze Swish TanH
  UnaryOp)
# Not for packs: an int8 Convolution computes with the kernels of Gemm.
set(EDGEWRIGHT_NCNN_INNER_LAYERS Gemm)
set(EDGEWRIGHT_NCNN_INT8 ON CACHE BOOL "kernels of int8")
if(EDGEWRIGHT_PACK_LAYERS)
  set(EDGEWRIGHT_NCNN_LAYERS ${EDGEWRIGHT_PACK_LAYERS})
  if(NOT EDGEWRIGHT_NCNN_INT8)
    set(EDGEWRIGHT_NCNN_INNER_LAYERS "")
  endif()
endif()

set(NCNN_VERSION 20261020)  # else the date of the build, which no result could be compared by
# Off: what no pack uses (bf16, Vulkan, weights of 4 and 6 bits), what the core does itself (pixels), and printing
# (STDIO).
foreach(option BUILD_TOOLS BUILD_EXAMPLES BUILD_BENCHMARK BUILD_TESTS PYTHON VULKAN INSTALL_SDK C_API BATCH STDIO
               PIXEL PIXEL_AFFINE PIXEL_DRAWING PIXEL_ROTATE
               BF16 WEIGHT_QUANT XOP FMA4 AVXVNNIINT8 AVXVNNIINT16 AVXNECONVERT AVX512BF16)
  set(NCNN_${option} OFF CACHE BOOL "" FORCE)
endforeach()
# int8, and the instructions made for it (VNNI, dot products): without them it would be measured slower than it is.
foreach(option INT8 ARM82DOT AVXVNNI AVX512VNNI)
  set(NCNN_${option} ${EDGEWRIGHT_NCNN_INT8} CACHE BOOL "" FORCE)
endforeach()
set(NCNN_DISABLE_RTTI ON CACHE BOOL "" FORCE)
set(NCNN_DISABLE_EXCEPTION ON CACHE BOOL "" FORCE)

file(STRINGS ${NCNN_SOURCE_DIR}/src/CMakeLists.txt layer_lines REGEX "^ncnn_add_layer\\(")
foreach(line ${layer_lines})
  string(REGEX REPLACE "^ncnn_add_layer\\(([A-Za-z0-9_]+).*" "\\1" layer ${line})
  string(TOLOWER ${layer} option)
  if(layer IN_LIST EDGEWRIGHT_NCNN_LAYERS OR layer IN_LIST EDGEWRIGHT_NCNN_INNER_LAYERS)
    set(WITH_LAYER_${option} ON CACHE BOOL "" FORCE)
  else()
    set(WITH_LAYER_${option} OFF CACHE BOOL "" FORCE)
  endif()
endforeach()

add_subdirectory(${NCNN_SOURCE_DIR} ncnn EXCLUDE_FROM_ALL)
target_compile_options(ncnn PRIVATE -w)  # its warnings are not ours to fix
if(CMAKE_CROSSCOMPILING)
  target_compile_options(ncnn PRIVATE ${EDGEWRIGHT_NO_UNWINDING})
endif()
# System headers, for the same reason.
get_target_property(include_dirs ncnn INTERFACE_INCLUDE_DIRECTORIES)
target_include_directories(ncnn SYSTEM INTERFACE ${include_dirs})
