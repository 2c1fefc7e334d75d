// Segmentation in memory that is kept from frame to frame.
#pragma once

#include <cstddef>
#include <vector>

#include "best_class.h"
#include "edgewright/segment.h"

namespace edgewright {

// The column and the row of a label map for each of the source's.
struct NearestPixels {
  std::vector<std::size_t> columns;
  std::vector<std::size_t> rows;
};

void Segment(const std::vector<MapView>& outputs, const SegmentDecode& decode, BestClasses* best, LabelMap* map);
void ScaleToSource(const LabelMap& map, const Placement& placed, NearestPixels* nearest, LabelMap* scaled);

}  // namespace edgewright
