// What runs a network: one class per runtime, all with one float32 image in and named float32 maps out.
#pragma once

#include <cstddef>
#include <vector>

#include "edgewright/map_view.h"
#include "edgewright/result.h"

namespace edgewright {

// Without a copy: write the three planes, all of them and anew for every run.
struct InputPlanes {
  float* data = nullptr;
  std::size_t plane_stride = 0;  // floats
};

// Not thread-safe: one call at a time per network.
class Network {
 public:
  virtual ~Network() = default;

  // To be written, then `Run`.
  [[nodiscard]] virtual Result<InputPlanes> Input(int width, int height) = 0;
  // In the manifest's order, valid until the next call.  A vector is a map of 1x1 pixels.
  [[nodiscard]] virtual Status Run(std::vector<MapView>* maps) = 0;

  // `planes` is (3, height, width).
  [[nodiscard]] Result<std::vector<MapView>> Run(const float* planes, int width, int height);
  [[nodiscard]] Status Run(const float* planes, int width, int height, std::vector<MapView>* maps);

 protected:
  Network() = default;
  Network(Network&&) = default;
  Network& operator=(Network&&) = default;

  [[nodiscard]] Status Write(const float* planes, int width, int height);
};

}  // namespace edgewright
