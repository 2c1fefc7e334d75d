// What the formats of `ImageView` have in memory.
#pragma once

#include "edgewright/image.h"

namespace edgewright {

[[nodiscard]] const char* FormatName(PixelFormat format);

// Of a row of `width` pixels in the first plane.
[[nodiscard]] std::size_t RowBytes(PixelFormat format, int width);

// NV12 and NV21.
[[nodiscard]] inline bool HasChromaPlane(PixelFormat format) {
  return format == PixelFormat::kNv12 || format == PixelFormat::kNv21;
}

}  // namespace edgewright
