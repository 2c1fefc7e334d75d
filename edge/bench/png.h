// PNG, written: label maps and pictures that a person looks at.
#pragma once

#include "edgewright/file.h"
#include "edgewright/result.h"

namespace edgebench {

enum class PngPixel { kGray8, kGray16, kRgb8 };  // 1, 2 (high byte first) and 3 bytes

// `pixels` are row by row, without gaps.
[[nodiscard]] edgewright::Result<edgewright::Bytes> EncodePng(const edgewright::Bytes& pixels, int width, int height,
                                                              PngPixel kind);

}  // namespace edgebench
