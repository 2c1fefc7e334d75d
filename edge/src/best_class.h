// The largest of many channels, pixel by pixel.
#pragma once

#include <vector>

#include "edgewright/map_view.h"

namespace edgewright {

// Of each pixel of one row.  The lowest class among equals; NaN wins, as in numpy's argmax.
struct BestClasses {
  std::vector<float> values;
  std::vector<int> indexes;  // from 0
};

// Among `num_classes` channels from `first_channel` on.  `best` keeps its memory from row to row.
void FindBestClasses(const MapView& map, int first_channel, int num_classes, int row, BestClasses* best);

}  // namespace edgewright
