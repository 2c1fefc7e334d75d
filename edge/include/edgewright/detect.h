// From a network's outputs to detections, with the arithmetic of docs/pack.md: in the order written there, so that
// every device gives the bits Python gives.
#pragma once

#include <vector>

#include "edgewright/decode.h"
#include "edgewright/map_view.h"

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

// Rows whose score exceeds the threshold, in the order of docs/pack.md; boxes in network pixels.  `outputs` are in the
// manifest's order and of its shapes.
[[nodiscard]] Detections DecodeRows(const std::vector<MapView>& outputs, const DetectDecode& decode);

// Greedy and class-aware: highest score first (equal: earlier row first); a box goes when a kept box of its class
// overlaps it by more than `decode.iou_threshold`.
[[nodiscard]] Detections SuppressOverlaps(Detections rows, const DetectDecode& decode);

// Whether intersection >= min_iou * union.
[[nodiscard]] bool OverlapsBy(const Box& a, const Box& b, double min_iou);

// From network pixels to pixels of a stretched source image, clipped to it.
[[nodiscard]] Detections ScaleToSource(Detections detections, int network_width, int network_height, int source_width,
                                       int source_height);

}  // namespace edgewright
