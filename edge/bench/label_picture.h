// Label maps as PNG files.
#pragma once

#include <cstddef>

#include "edgewright/file.h"
#include "edgewright/image.h"
#include "edgewright/result.h"
#include "edgewright/segment.h"

namespace edgebench {

// Gray, a pixel's value is its class: 8 bits, or 16 for more than 256 classes.
[[nodiscard]] edgewright::Result<edgewright::Bytes> LabelPicture(const edgewright::LabelMap& map,
                                                                 std::size_t num_classes);

// The source image half covered by a colour per class: those that Pascal VOC paints its classes with.
[[nodiscard]] edgewright::Result<edgewright::Bytes> OverlayPicture(const edgewright::LabelMap& map,
                                                                   const edgewright::Image& source_bgr);

}  // namespace edgebench
