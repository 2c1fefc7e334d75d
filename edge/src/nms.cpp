// Greedy class-aware non-maximum suppression.
#include <algorithm>

#include "edgewright/detect.h"

namespace edgewright {
namespace {

float Area(const Box& box) { return (box.x2 - box.x1) * (box.y2 - box.y1); }

float Intersection(const Box& a, const Box& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return std::max(width, 0.0F) * std::max(height, 0.0F);
}

bool Suppresses(const Detection& kept, const Detection& candidate, float iou_threshold) {
  if (kept.class_index != candidate.class_index) return false;
  const float intersection = Intersection(kept.box, candidate.box);
  return intersection > iou_threshold * (Area(kept.box) + Area(candidate.box) - intersection);
}

}  // namespace

Detections SuppressOverlaps(Detections rows, const DetectDecode& decode) {
  std::stable_sort(rows.begin(), rows.end(), [](const Detection& a, const Detection& b) { return a.score > b.score; });
  Detections kept;
  for (const Detection& candidate : rows) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const Detection& other) {
      return Suppresses(other, candidate, decode.iou_threshold);
    });
    if (suppressed) continue;
    kept.push_back(candidate);
    if (kept.size() == static_cast<std::size_t>(decode.max_detections)) break;
  }
  return kept;
}

bool OverlapsBy(const Box& a, const Box& b, double min_iou) {
  const double intersection = Intersection(a, b);
  return intersection >= min_iou * (double{Area(a)} + double{Area(b)} - intersection);
}

}  // namespace edgewright
