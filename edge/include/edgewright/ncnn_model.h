// An ncnn network: one float32 NCHW input, named float32 outputs.  ncnn's own types stay behind `Impl`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "edgewright/file.h"
#include "edgewright/manifest.h"
#include "edgewright/result.h"

namespace edgewright {

// One output, owned by the model that made it: rows of a channel follow each other without gaps, channels need not.
struct MapView {
  const float* data = nullptr;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::size_t channel_stride = 0;  // floats

  [[nodiscard]] const float* channel(int c) const { return data + static_cast<std::size_t>(c) * channel_stride; }
};

struct NcnnOptions {
  std::string input;                 // blob names
  std::vector<std::string> outputs;  // in the order in which `Run` gives them
  int num_threads = 1;
  // kFp16 stores and computes in half precision where the CPU and the build can; kFp32 never does.
  Precision precision = Precision::kFp32;
};

// Not thread-safe: one call at a time per model.
class NcnnModel {
 public:
  // The contents of a `.param` and of the `.bin` that belongs to it.
  [[nodiscard]] static Result<NcnnModel> Load(const Bytes& param, Bytes bin, NcnnOptions options);
  NcnnModel(NcnnModel&&) noexcept;
  NcnnModel& operator=(NcnnModel&&) noexcept;
  ~NcnnModel();

  // `planes` is (3, height, width).  The views are valid until the next call.
  [[nodiscard]] Result<std::vector<MapView>> Run(const float* planes, int width, int height);

 private:
  struct Impl;
  explicit NcnnModel(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] const char* NcnnVersion();

}  // namespace edgewright
