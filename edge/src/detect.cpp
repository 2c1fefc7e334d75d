// Built with -ffp-contract=off: a fused multiply-add would round once where Python rounds twice.
#include "edgewright/detect.h"

#include <algorithm>
#include <cstddef>

namespace edgewright {
namespace {

struct BestClass {
  float score = 0;
  int index = 0;
};

// The largest class value of each cell, the lowest index among equals; NaN wins, as in numpy's argmax, and its rows are
// then dropped by the threshold.
std::vector<BestClass> BestClasses(const MapView& map, int first_class) {
  const std::size_t num_cells = static_cast<std::size_t>(map.height) * static_cast<std::size_t>(map.width);
  std::vector<BestClass> best(num_cells);
  for (std::size_t cell = 0; cell < num_cells; ++cell) best[cell].score = map.channel(first_class)[cell];
  for (int c = first_class + 1; c < map.channels; ++c) {
    const float* values = map.channel(c);
    for (std::size_t cell = 0; cell < num_cells; ++cell) {
      const float value = values[cell];
      const bool wins = value > best[cell].score || (value != value && best[cell].score == best[cell].score);
      if (wins) best[cell] = {value, c - first_class};
    }
  }
  return best;
}

Box DecodeBox(const MapView& map, int first_channel, std::size_t cell, int column, int row, const Scale& scale,
              const Anchor& anchor) {
  const auto value = [&](int k) { return map.channel(first_channel + k)[cell]; };
  const auto stride = static_cast<float>(scale.stride);
  const float cx = (2.0F * value(0) - 0.5F + static_cast<float>(column)) * stride;
  const float cy = (2.0F * value(1) - 0.5F + static_cast<float>(row)) * stride;
  const float half_width = (2.0F * value(2)) * (2.0F * value(2)) * anchor.width * 0.5F;
  const float half_height = (2.0F * value(3)) * (2.0F * value(3)) * anchor.height * 0.5F;
  return {cx - half_width, cy - half_height, cx + half_width, cy + half_height};
}

void DecodeMap(const MapView& map, const Scale& scale, float score_threshold, std::vector<Detection>* rows) {
  const int num_anchors = static_cast<int>(scale.anchors.size());
  const std::vector<BestClass> best = BestClasses(map, 5 * num_anchors);
  std::size_t cell = 0;
  for (int row = 0; row < map.height; ++row) {
    for (int column = 0; column < map.width; ++column, ++cell) {
      for (int a = 0; a < num_anchors; ++a) {
        const float score = map.channel(4 * num_anchors + a)[cell] * best[cell].score;
        if (!(score > score_threshold)) continue;
        const Anchor& anchor = scale.anchors[static_cast<std::size_t>(a)];
        rows->push_back({DecodeBox(map, 4 * a, cell, column, row, scale, anchor), score, best[cell].index});
      }
    }
  }
}

float Area(const Box& box) { return (box.x2 - box.x1) * (box.y2 - box.y1); }

float Intersection(const Box& a, const Box& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return std::max(width, 0.0F) * std::max(height, 0.0F);
}

bool Overlaps(const Detection& kept, const Detection& candidate, float iou_threshold) {
  const float intersection = Intersection(kept.box, candidate.box);
  return intersection > iou_threshold * (Area(kept.box) + Area(candidate.box) - intersection);
}

}  // namespace

std::vector<Detection> DecodeMaps(const std::vector<MapView>& maps, const Decode& decode) {
  std::vector<Detection> rows;
  for (std::size_t i = 0; i < decode.scales.size(); ++i) {
    DecodeMap(maps[i], decode.scales[i], decode.score_threshold, &rows);
  }
  return rows;
}

std::vector<Detection> SuppressOverlaps(std::vector<Detection> rows, const Decode& decode) {
  std::stable_sort(rows.begin(), rows.end(), [](const Detection& a, const Detection& b) { return a.score > b.score; });
  std::vector<Detection> kept;
  for (const Detection& candidate : rows) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const Detection& other) {
      return other.class_index == candidate.class_index && Overlaps(other, candidate, decode.iou_threshold);
    });
    if (suppressed) continue;
    kept.push_back(candidate);
    if (kept.size() == static_cast<std::size_t>(decode.max_detections)) break;
  }
  return kept;
}

double IntersectionOverUnion(const Box& a, const Box& b) {
  const double intersection = Intersection(a, b);
  const double total = double{Area(a)} + double{Area(b)} - intersection;
  return total > 0 ? intersection / total : 0;
}

std::vector<Detection> ScaleToSource(std::vector<Detection> detections, const Preprocess& network, int source_width,
                                     int source_height) {
  const auto limit_x = static_cast<float>(source_width);
  const auto limit_y = static_cast<float>(source_height);
  const float factor_x = limit_x / static_cast<float>(network.width);
  const float factor_y = limit_y / static_cast<float>(network.height);
  for (Detection& detection : detections) {
    Box& box = detection.box;
    box.x1 = std::clamp(box.x1 * factor_x, 0.0F, limit_x);
    box.y1 = std::clamp(box.y1 * factor_y, 0.0F, limit_y);
    box.x2 = std::clamp(box.x2 * factor_x, 0.0F, limit_x);
    box.y2 = std::clamp(box.y2 * factor_y, 0.0F, limit_y);
  }
  return detections;
}

}  // namespace edgewright
