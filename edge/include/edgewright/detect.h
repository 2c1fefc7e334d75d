// From a network's outputs to detections, with the arithmetic of docs/pack.md: in the order written there, so that
// every device gives the bits Python gives.  `Decoder` (prediction.h) does all of it, for every task.
//
//   const Detections found = SuppressOverlaps(DecodeRows(outputs, decode), decode);
#pragma once

#include <vector>

#include "edgewright/decode.h"
#include "edgewright/detection.h"
#include "edgewright/map_view.h"
#include "edgewright/placement.h"

namespace edgewright {

// Rows whose score exceeds the threshold, in the order of docs/pack.md; boxes in network pixels.  `outputs` are in the
// manifest's order and of its shapes.
[[nodiscard]] Detections DecodeRows(const std::vector<MapView>& outputs, const DetectDecode& decode);

// What `Suppressor` keeps of them.
[[nodiscard]] Detections SuppressOverlaps(Detections rows, const DetectDecode& decode);

// Whether intersection >= min_iou * union.
[[nodiscard]] bool OverlapsBy(const Box& a, const Box& b, double min_iou);

// From network pixels to pixels of the upright source image, clipped to it.
void ScaleToSource(const Placement& placed, Detections* detections);

}  // namespace edgewright
