// From logits to a label map: what every pixel is of.
//
//   const LabelMap map = ScaleToSource(Segment(outputs, decode), placed);
//   const int class_index = map.labels[y * map.width + x];
#pragma once

#include <cstdint>
#include <vector>

#include "edgewright/decode.h"
#include "edgewright/map_view.h"
#include "edgewright/placement.h"

namespace edgewright {

struct LabelMap {
  int width = 0;
  int height = 0;
  std::vector<std::uint16_t> labels;  // class indices, row by row
};

// At the size of the output: the class with the largest logit, of equals the lower index.
[[nodiscard]] LabelMap Segment(const std::vector<MapView>& outputs, const SegmentDecode& decode);

// To the upright source image by the nearest pixel centre, in integers: every device picks the same pixel.
[[nodiscard]] LabelMap ScaleToSource(const LabelMap& map, const Placement& placed);

}  // namespace edgewright
