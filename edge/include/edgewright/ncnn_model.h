// An ncnn network: one float32 NCHW input, named float32 outputs.  ncnn's own types stay behind `Impl`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edgewright/file.h"
#include "edgewright/network.h"
#include "edgewright/result.h"

namespace edgewright {

struct NcnnOptions {
  std::string input;                 // blob names
  std::vector<std::string> outputs;  // in the order in which `Run` gives them
  int num_threads = 1;
  // Storage and arithmetic of what is not int8, where the CPU and the build can.  Layers in int8 say so themselves.
  bool half_precision = false;
};

struct LayerTime {
  std::string type;
  std::string name;
  double time_ms = 0;
};

class NcnnModel final : public Network {
 public:
  // The contents of a `.param` and of the `.bin` that belongs to it.
  [[nodiscard]] static Result<NcnnModel> Load(const Bytes& param, Bytes bin, NcnnOptions options);
  NcnnModel(NcnnModel&&) noexcept;
  NcnnModel& operator=(NcnnModel&&) noexcept;
  ~NcnnModel() override;

  using Network::Run;
  [[nodiscard]] Result<InputPlanes> Input(int width, int height) override;
  [[nodiscard]] Status Run(std::vector<MapView>* maps) override;

  // One inference, layer by layer in the order of the network, without what is read from memory.  Every result is kept,
  // so that the sum is more than a run takes.
  [[nodiscard]] Result<std::vector<LayerTime>> Profile(const float* planes, int width, int height);

 private:
  struct Impl;
  explicit NcnnModel(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] const char* NcnnVersion();

}  // namespace edgewright
