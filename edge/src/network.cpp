#include "edgewright/network.h"

#include <algorithm>

namespace edgewright {

Status Network::Write(const float* planes, int width, int height) {
  const Result<InputPlanes> input = Input(width, height);
  if (!input.ok()) return input.error();
  const std::size_t plane_size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  for (std::size_t c = 0; c < 3; ++c) {
    const float* plane = planes + c * plane_size;
    std::copy(plane, plane + plane_size, input.value().data + c * input.value().plane_stride);
  }
  return Done{};
}

Status Network::Run(const float* planes, int width, int height, std::vector<MapView>* maps) {
  const Status written = Write(planes, width, height);
  return written.ok() ? Run(maps) : written;
}

Result<std::vector<MapView>> Network::Run(const float* planes, int width, int height) {
  std::vector<MapView> maps;
  if (const Status ran = Run(planes, width, height, &maps); !ran.ok()) return ran.error();
  return maps;
}

}  // namespace edgewright
