// What a detector finds.
//
//   for (const Detection& found : detections) Draw(found.box, labels[found.class_index], found.score);
#pragma once

#include <vector>

namespace edgewright {

struct Box {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
};

struct Detection {
  Box box;
  float score = 0;
  int class_index = 0;
};

using Detections = std::vector<Detection>;

}  // namespace edgewright
