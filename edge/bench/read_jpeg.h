// libjpeg-turbo behind functions of ours: its C error handling is a long jump, which no C++ object may be in the way
// of.
#pragma once

#include <optional>

#include "edgewright/file.h"
#include "edgewright/image.h"

namespace edgebench {

// BGR; nullopt for what is not a whole JPEG of at most `max_side` pixels a side.
[[nodiscard]] std::optional<edgewright::Image> ReadJpeg(const edgewright::Bytes& bytes, int max_side);

// Pixels of another decoder differ by a few levels.
[[nodiscard]] const char* JpegDecoder();

}  // namespace edgebench
