// One output of a network.
//
//   const float value = map.row(channel, y)[x];
#pragma once

#include <cstddef>

namespace edgewright {

// Owned by whoever made it: rows of a channel follow each other without gaps, channels need not.
struct MapView {
  const float* data = nullptr;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::size_t channel_stride = 0;  // floats

  [[nodiscard]] const float* channel(int c) const { return data + static_cast<std::size_t>(c) * channel_stride; }
  [[nodiscard]] const float* row(int c, int y) const {
    return channel(c) + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
};

}  // namespace edgewright
