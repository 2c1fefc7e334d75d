# The sources of the core, relative to this project's folder `edge`.
set(EDGEWRIGHT_CORE_SOURCES
  src/best_class.cpp src/c_api.cpp src/class_parity.cpp src/classify.cpp src/cores.cpp src/decode_fields.cpp src/detect.cpp
  src/detection_parity.cpp src/device.cpp src/file.cpp src/golden.cpp src/image.cpp src/json_fields.cpp
  src/kernels.cpp src/kernels_neon.cpp src/kernels_x86.cpp src/manifest.cpp
  src/litert_absent.cpp src/load_network.cpp
  src/model.cpp src/ncnn_model.cpp src/ncnn_pool.cpp src/ncnn_weights.cpp src/network.cpp src/nms.cpp src/pack.cpp src/parity.cpp src/placement.cpp src/prediction.cpp
  src/preprocess.cpp src/resize.cpp src/safetensors.cpp src/segment.cpp src/sha256.cpp src/ssd.cpp src/statistics.cpp
  src/yolo.cpp src/yolo_fastestv2.cpp)
# TFLite packs by a library that is opened at run time, instead of litert_absent.cpp; needs dlopen.
set(EDGEWRIGHT_LITERT_SOURCES src/litert_api.cpp src/litert_model.cpp)
# Those that read packs and describe the machine: no frame passes through them.
set(EDGEWRIGHT_COLD_SOURCES
  src/class_parity.cpp src/cores.cpp src/decode_fields.cpp src/detection_parity.cpp src/device.cpp src/file.cpp
  src/golden.cpp src/json_fields.cpp src/litert_absent.cpp src/litert_api.cpp src/load_network.cpp src/manifest.cpp src/pack.cpp src/parity.cpp src/safetensors.cpp
  src/statistics.cpp)
