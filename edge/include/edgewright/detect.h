// From a network's activated maps to detections, with the arithmetic of docs/pack.md: float32, in the order written
// there, so that every device gives the bits Python gives.
#pragma once

#include <vector>

#include "edgewright/manifest.h"
#include "edgewright/ncnn_model.h"
#include "edgewright/result.h"

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

// Rows whose score exceeds the threshold, in the order scale, row, column, anchor; boxes in network pixels.
// `maps` are the outputs in the order of `decode.scales`, of the shapes the manifest gives them.
[[nodiscard]] std::vector<Detection> DecodeMaps(const std::vector<MapView>& maps, const Decode& decode);

// Greedy and class-aware: highest score first (equal: earlier row first); a box goes when a kept box of its class
// overlaps it by more than `decode.iou_threshold`.
[[nodiscard]] std::vector<Detection> SuppressOverlaps(std::vector<Detection> rows, const Decode& decode);

// Intersection over union; 0 for boxes without area.
[[nodiscard]] double IntersectionOverUnion(const Box& a, const Box& b);

// From network pixels to pixels of a stretched source image, clipped to it.
[[nodiscard]] std::vector<Detection> ScaleToSource(std::vector<Detection> detections, const Preprocess& network,
                                                   int source_width, int source_height);

}  // namespace edgewright
