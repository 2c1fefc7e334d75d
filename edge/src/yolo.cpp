// Darknet's [yolo] heads: per anchor x, y, w, h, objectness and its own classes.
#include "activation.h"
#include "detect_rows.h"

namespace edgewright {
namespace {

struct Logits {
  static float Activate(float x) { return Sigmoid(x); }
  static float Side(float x) { return Exp(x); }
  static float LowestValue(double probability) { return LowestLogit(probability); }
};

// new_coords
struct Probabilities {
  static float Activate(float x) { return x; }
  static float Side(float x) { return (2.0F * x) * (2.0F * x); }
  static float LowestValue(double probability) { return static_cast<float>(probability * (1.0 - 1e-4)); }
};

// One anchor's values in one cell.
struct Cell {
  const float* x;
  std::size_t channel_stride;
  int column;
  int row;

  [[nodiscard]] float value(int k) const { return x[static_cast<std::size_t>(k) * channel_stride]; }
};

template <typename Values>
Box DecodeBox(const Cell& cell, const YoloScale& scale, const WidthHeight& anchor) {
  const auto stride = static_cast<float>(scale.stride);
  const float shift = 0.5F * (scale.scale_x_y - 1.0F);
  const float cx =
      (Values::Activate(cell.value(0)) * scale.scale_x_y - shift + static_cast<float>(cell.column)) * stride;
  const float cy = (Values::Activate(cell.value(1)) * scale.scale_x_y - shift + static_cast<float>(cell.row)) * stride;
  const float half_width = Values::Side(cell.value(2)) * anchor.width * 0.5F;
  const float half_height = Values::Side(cell.value(3)) * anchor.height * 0.5F;
  return BoxAround(cx, cy, half_width, half_height);
}

template <typename Values>
void AppendClasses(const Cell& cell, const Box& box, float objectness, int num_classes, float threshold,
                   Detections* rows) {
  const float lowest = Values::LowestValue(double{threshold} / double{objectness});
  for (int c = 0; c < num_classes; ++c) {
    const float value = cell.value(5 + c);
    if (!(value > lowest)) continue;
    const float score = objectness * Values::Activate(value);
    if (score > threshold) rows->push_back({box, score, c});
  }
}

// Objectness first: no class lifts a score above it, and most cells have none.
template <typename Values>
void AppendCells(const MapView& map, const YoloScale& scale, float threshold, Detections* rows) {
  const int num_anchors = static_cast<int>(scale.anchors_px.size());
  const int num_fields = map.channels / num_anchors;
  const float lowest = Values::LowestValue(double{threshold});
  for (int row = 0; row < map.height; ++row) {
    for (int column = 0; column < map.width; ++column) {
      for (int a = 0; a < num_anchors; ++a) {
        const Cell cell{map.row(a * num_fields, row) + column, map.channel_stride, column, row};
        if (!(cell.value(4) > lowest)) continue;
        const float objectness = Values::Activate(cell.value(4));
        if (!(objectness > threshold)) continue;
        const Box box = DecodeBox<Values>(cell, scale, scale.anchors_px[static_cast<std::size_t>(a)]);
        AppendClasses<Values>(cell, box, objectness, num_fields - 5, threshold, rows);
      }
    }
  }
}

}  // namespace

void AppendRows(const MapView& map, const YoloScale& scale, float threshold, Detections* rows) {
  const auto append = scale.new_coords ? AppendCells<Probabilities> : AppendCells<Logits>;
  append(map, scale, threshold, rows);
}

}  // namespace edgewright
