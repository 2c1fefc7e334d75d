// Maps of any floats through every head, suppression and scaling, with parameters as a manifest may have them.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "edgewright/prediction.h"
#include "edgewright/suppress.h"
#include "input.h"

namespace {

using edgewright::Detection;
using edgewright::Detections;
using edgewright::MapView;
using edgewright::WidthHeight;
using fuzz::Input;

constexpr int kNumKinds = 7;

// What stands in front of the floats.
struct Shape {
  int kind, num_classes, num_anchors, height, width;
};

Shape TakeShape(Input* input) {
  return {input->Below(kNumKinds), 1 + input->Below(8), 1 + input->Below(4), 1 + input->Below(16),
          1 + input->Below(16)};
}

// Above 0 and at most `max`, as a manifest has them.
float TakeSide(Input* input, float max) {
  const float side = std::abs(input->Take<float>());
  return side > 0 && side <= max ? side : max / 2;
}

std::vector<WidthHeight> TakeSides(Input* input, int count, float max) {
  std::vector<WidthHeight> sides;
  for (int i = 0; i < count; ++i) {
    const float width = TakeSide(input, max);
    sides.push_back({width, TakeSide(input, max)});
  }
  return sides;
}

edgewright::DetectDecode TakeDetector(Input* input, const Shape& shape) {
  edgewright::DetectDecode decode;
  decode.score_threshold = static_cast<float>(input->Below(256)) / 255.0F;
  decode.iou_threshold = static_cast<float>(input->Below(256)) / 255.0F;
  decode.max_detections = 1 + input->Below(10000);
  const int stride = 1 + input->Below(1024);
  if (shape.kind == 0) {
    decode.head = edgewright::YoloFastestV2Head{{{0, stride, TakeSides(input, shape.num_anchors, 8192)}}};
  } else if (shape.kind == 1) {
    const float scale_x_y = 1.0F + static_cast<float>(input->Below(256)) / 85.0F;
    const bool new_coords = input->Below(2) == 1;
    decode.head = edgewright::YoloHead{{{0, stride, TakeSides(input, shape.num_anchors, 8192), scale_x_y, new_coords}}};
  } else {
    const WidthHeight size{static_cast<float>(1 + input->Below(8192)), static_cast<float>(1 + input->Below(8192))};
    const WidthHeight cell = TakeSides(input, 1, 8192).front();
    decode.head = edgewright::SsdHead{size, {{0, cell, TakeSides(input, shape.num_anchors, 1)}}};
  }
  return decode;
}

edgewright::Decode TakeDecode(Input* input, const Shape& shape) {
  if (shape.kind < 4) return TakeDetector(input, {shape.kind % 3, shape.num_classes, shape.num_anchors, 0, 0});
  if (shape.kind == 4) return edgewright::ClassifyDecode{0, edgewright::ClassActivation::kSoftmax};
  if (shape.kind == 5) return edgewright::ClassifyDecode{0, edgewright::ClassActivation::kSigmoid};
  return edgewright::SegmentDecode{0};
}

int NumChannels(const Shape& shape) {
  if (shape.kind >= 4) return shape.num_classes;
  if (shape.kind % 3 == 0) return 5 * shape.num_anchors + shape.num_classes;
  return shape.num_anchors * (5 + shape.num_classes);
}

edgewright::Placement TakePlacement(Input* input) {
  edgewright::Preprocess rule;
  rule.width = 1 + input->Below(8192);
  rule.height = 1 + input->Below(8192);
  rule.resize = static_cast<edgewright::ResizeRule>(input->Below(2));
  const int source_width = 1 + input->Below(256);
  return edgewright::Place(rule, source_width, 1 + input->Below(256));
}

// The grids of suppression keep what comparing all with all keeps: a box with coordinates that no image has switches
// them off, and being last it changes nothing else.
void CheckSuppression(const Detections& rows, const edgewright::DetectDecode& decode) {
  if (rows.size() > 500) return;
  const Detections kept = edgewright::SuppressOverlaps(rows, decode);
  Detections with_odd_one = rows;
  with_odd_one.push_back({{NAN, NAN, NAN, NAN}, -1.0F, 0});
  const Detections expected = edgewright::SuppressOverlaps(with_odd_one, decode);
  fuzz::Require(expected.size() >= kept.size() && expected.size() <= kept.size() + 1);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    fuzz::Require(kept[i].score == expected[i].score && kept[i].class_index == expected[i].class_index);
  }
}

void CheckDetections(const Detections& found, const edgewright::DetectDecode& decode, const Shape& shape,
                     const edgewright::Placement& placed) {
  fuzz::Require(found.size() <= static_cast<std::size_t>(decode.max_detections));
  for (const Detection& detection : found) {
    fuzz::Require(detection.score > decode.score_threshold);
    fuzz::Require(detection.class_index >= 0 && detection.class_index < shape.num_classes);
    for (const float x : {detection.box.x1, detection.box.x2}) {
      fuzz::Require(!(x < 0) && !(x > static_cast<float>(placed.source_width)));
    }
    for (const float y : {detection.box.y1, detection.box.y2}) {
      fuzz::Require(!(y < 0) && !(y > static_cast<float>(placed.source_height)));
    }
  }
  fuzz::Require(std::is_sorted(found.begin(), found.end(),
                               [](const Detection& a, const Detection& b) { return a.score > b.score; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const Shape shape = TakeShape(&input);
  const edgewright::Decode decode = TakeDecode(&input, shape);
  const edgewright::Placement placed = TakePlacement(&input);
  const bool is_vector = shape.kind == 4 || shape.kind == 5;
  const int height = is_vector ? 1 : shape.height;
  const int width = is_vector ? 1 : shape.width;
  const int channels = NumChannels(shape);
  const auto plane_size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  // As large as the map, not a float more.
  const std::size_t num_floats = static_cast<std::size_t>(channels) * plane_size;
  const std::unique_ptr<float[]> values(new float[num_floats]);
  const std::size_t num_given = input.size() / sizeof(float);
  for (std::size_t i = 0; i < num_floats; ++i) {
    values[i] = static_cast<float>(i % 7) - 3.0F;
    if (num_given > 0) std::memcpy(&values[i], input.data() + i % num_given * sizeof(float), sizeof(float));
  }
  const std::vector<MapView> maps = {{values.get(), channels, height, width, plane_size}};

  edgewright::Prediction prediction;
  edgewright::Decoder().Run(maps, decode, placed, &prediction);
  if (const auto* detect = std::get_if<edgewright::DetectDecode>(&decode)) {
    CheckDetections(std::get<Detections>(prediction), *detect, shape, placed);
    CheckSuppression(edgewright::DecodeRows(maps, *detect), *detect);
  } else if (const auto* classes = std::get_if<edgewright::Classification>(&prediction)) {
    fuzz::Require(classes->probabilities.size() == static_cast<std::size_t>(shape.num_classes));
    fuzz::Require(classes->Top(5).size() == std::min<std::size_t>(5, classes->probabilities.size()));
  } else {
    const auto& labels = std::get<edgewright::LabelMap>(prediction).labels;
    fuzz::Require(std::all_of(labels.begin(), labels.end(), [&](int label) { return label < shape.num_classes; }));
  }
  return 0;
}
