// How outputs become a result, as data in the manifest: one structure per kind of head, one alternative of `Decode` per
// task.  The arithmetic is in docs/pack.md.
//
//   if (const auto* detect = std::get_if<DetectDecode>(&manifest.decode)) Show(detect->score_threshold);
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

namespace edgewright {

struct WidthHeight {
  float width = 0;
  float height = 0;
};

// In every scale, `output` is an index into the manifest's outputs.

// "yolo-fastestv2": everything is activated; the anchors of a cell share its classes.
struct YoloFastestV2Scale {
  std::size_t output = 0;
  int stride = 0;                       // of the grid, pixels
  std::vector<WidthHeight> anchors_px;  // at the network's input
};
struct YoloFastestV2Head {
  std::vector<YoloFastestV2Scale> scales;
};

// "yolo": darknet's heads; each anchor has its own classes.
struct YoloScale {
  std::size_t output = 0;
  int stride = 0;
  std::vector<WidthHeight> anchors_px;
  float scale_x_y = 1;      // stretches the range of a centre inside its cell
  bool new_coords = false;  // the network activates its outputs itself, and a side is (2 p)^2 anchors
};
struct YoloHead {
  std::vector<YoloScale> scales;
};

// "ssd": offsets from priors, and a softmax over background and classes.
struct SsdScale {
  std::size_t output = 0;
  WidthHeight stride;               // of the grid of prior centres, pixels
  std::vector<WidthHeight> priors;  // of each cell, as fractions of the input's sides
};
struct SsdHead {
  WidthHeight size;  // of the input, pixels
  std::vector<SsdScale> scales;
};

// Rows above `score_threshold`, non-maximum suppression at `iou_threshold`, then the best `max_detections`.
struct DetectDecode {
  float score_threshold = 0;
  float iou_threshold = 0;
  int max_detections = 0;
  std::variant<YoloFastestV2Head, YoloHead, SsdHead> head;
};

enum class ClassActivation { kSoftmax, kSigmoid };

// "classify": an output of (K, 1, 1) logits.
struct ClassifyDecode {
  std::size_t output = 0;
  ClassActivation activation = ClassActivation::kSoftmax;
};

// "segment": an output of (K, h, w) logits.
struct SegmentDecode {
  std::size_t output = 0;
};

using Decode = std::variant<DetectDecode, ClassifyDecode, SegmentDecode>;

[[nodiscard]] inline const char* TaskName(const Decode& decode) {
  if (std::holds_alternative<ClassifyDecode>(decode)) return "classify";
  return std::holds_alternative<SegmentDecode>(decode) ? "segment" : "detect";
}

}  // namespace edgewright
