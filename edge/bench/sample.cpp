#include "sample.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace edgebench {
namespace {

using edgewright::Box;
using edgewright::Detection;
using edgewright::Detections;
using edgewright::ImageView;
using edgewright::MapView;
using edgewright::Result;
using edgewright::YoloFastestV2Scale;

constexpr float kScoreThreshold = 0.3F;
constexpr float kIouThreshold = 0.25F;

// Which two pixels a destination pixel reads along one axis, and the weight of the second in 1/2048.
struct Reading {
  int first;
  int second;
  int weight;
};

std::vector<Reading> Readings(int source_length, int length) {
  std::vector<Reading> readings;
  const float scale = static_cast<float>(source_length) / static_cast<float>(length);
  for (int i = 0; i < length; ++i) {
    const float position = std::max((static_cast<float>(i) + 0.5F) * scale - 0.5F, 0.0F);
    const int first = std::min(static_cast<int>(position), source_length - 1);
    const float fraction = position - static_cast<float>(first);
    readings.push_back({first, std::min(first + 1, source_length - 1), static_cast<int>(fraction * 2048.0F)});
  }
  return readings;
}

void BlendColumns(const std::uint8_t* source, const std::vector<Reading>& columns, std::vector<std::int16_t>* row) {
  std::int16_t* out = row->data();
  for (const Reading& column : columns) {
    const std::uint8_t* left = source + 3 * column.first;
    const std::uint8_t* right = source + 3 * column.second;
    for (int c = 0; c < 3; ++c) {
      *out++ = static_cast<std::int16_t>((left[c] * (2048 - column.weight) + right[c] * column.weight) >> 4);
    }
  }
}

// Row by row; a row that was blended for the last one is not blended again.
std::vector<std::uint8_t> Resize(const ImageView& frame, int width, int height) {
  const std::vector<Reading> columns = Readings(frame.width, width);
  const std::vector<Reading> rows = Readings(frame.height, height);
  const std::size_t row_size = 3 * columns.size();
  std::vector<std::uint8_t> resized(row_size * rows.size());
  std::vector<std::int16_t> upper(row_size);
  std::vector<std::int16_t> lower(row_size);
  int upper_y = -1;
  int lower_y = -1;
  std::uint8_t* out = resized.data();
  for (const Reading& row : rows) {
    if (row.first == lower_y) {
      std::swap(upper, lower);
      std::swap(upper_y, lower_y);
    }
    if (row.first != upper_y) BlendColumns(frame.row(upper_y = row.first), columns, &upper);
    if (row.second != lower_y) BlendColumns(frame.row(lower_y = row.second), columns, &lower);
    const int above = 2048 - row.weight;
    const int below = row.weight;
    for (std::size_t i = 0; i < row_size; ++i) {
      out[i] = static_cast<std::uint8_t>((((above * upper[i]) >> 16) + ((below * lower[i]) >> 16) + 2) >> 2);
    }
    out += row_size;
  }
  return resized;
}

std::vector<float> ToPlanes(const std::vector<std::uint8_t>& pixels) {
  const std::size_t plane_size = pixels.size() / 3;
  std::vector<float> planes(pixels.size());
  for (std::size_t i = 0; i < plane_size; ++i) {
    for (std::size_t c = 0; c < 3; ++c) planes[c * plane_size + i] = static_cast<float>(pixels[3 * i + c]);
  }
  return planes;
}

void Normalise(std::vector<float>* planes) {
  for (float& value : *planes) value *= 1.0F / 255.0F;
}

// Every class of every anchor of every cell.
void AppendBoxes(const MapView& map, const YoloFastestV2Scale& scale, float factor_x, float factor_y,
                 Detections* found) {
  const int num_anchors = static_cast<int>(scale.anchors_px.size());
  const int num_classes = map.width - 5 * num_anchors;
  const auto stride = static_cast<float>(scale.stride);
  for (int j = 0; j < map.channels; ++j) {
    for (int i = 0; i < map.height; ++i) {
      const float* values = map.row(j, i);
      for (int a = 0; a < num_anchors; ++a) {
        const float objectness = values[4 * num_anchors + a];
        float best = 0;
        int best_class = -1;
        for (int k = 0; k < num_classes; ++k) {
          const float score = objectness * values[5 * num_anchors + k];
          if (score > best) {
            best = score;
            best_class = k;
          }
        }
        if (!(best > kScoreThreshold)) continue;
        const float* box = values + 4 * a;
        const edgewright::WidthHeight& anchor = scale.anchors_px[static_cast<std::size_t>(a)];
        const float cx = (box[0] * 2.0F - 0.5F + static_cast<float>(i)) * stride;
        const float cy = (box[1] * 2.0F - 0.5F + static_cast<float>(j)) * stride;
        const float width = (box[2] * 2.0F) * (box[2] * 2.0F) * anchor.width;
        const float height = (box[3] * 2.0F) * (box[3] * 2.0F) * anchor.height;
        const Box corners = {std::trunc((cx - 0.5F * width) * factor_x), std::trunc((cy - 0.5F * height) * factor_y),
                             std::trunc((cx + 0.5F * width) * factor_x), std::trunc((cy + 0.5F * height) * factor_y)};
        found->push_back({corners, best, best_class});
      }
    }
  }
}

Detections Suppress(Detections found) {
  std::sort(found.begin(), found.end(), [](const Detection& a, const Detection& b) { return a.score > b.score; });
  Detections kept;
  for (const Detection& candidate : found) {
    bool keep = true;
    for (const Detection& other : kept) {
      if (other.class_index == candidate.class_index &&
          edgewright::OverlapsBy(other.box, candidate.box, kIouThreshold)) {
        keep = false;
      }
    }
    if (keep) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace

Sample::Sample(edgewright::NcnnModel network, int width, int height, edgewright::YoloFastestV2Head head)
    : network_(std::move(network)), width_(width), height_(height), head_(std::move(head)) {}

Result<Detections> Sample::Detect(const ImageView& frame) {
  std::vector<float> planes = ToPlanes(Resize(frame, width_, height_));
  Normalise(&planes);
  const Result<std::vector<MapView>> maps = network_.Run(planes.data(), width_, height_);
  if (!maps.ok()) return maps.error();
  if (maps.value().size() != head_.scales.size()) {
    return edgewright::InputError("the sample reads " + std::to_string(head_.scales.size()) + " outputs");
  }
  Detections found;
  for (std::size_t i = 0; i < head_.scales.size(); ++i) {
    const MapView& map = maps.value()[i];
    const YoloFastestV2Scale& scale = head_.scales[i];
    const int least_width = 5 * static_cast<int>(scale.anchors_px.size()) + 1;
    if (map.channels != height_ / scale.stride || map.height != width_ / scale.stride || map.width < least_width) {
      return edgewright::InputError("output " + std::to_string(i) + " does not have the sample's shape");
    }
    AppendBoxes(map, scale, static_cast<float>(frame.width) / static_cast<float>(width_),
                static_cast<float>(frame.height) / static_cast<float>(height_), &found);
  }
  return Suppress(std::move(found));
}

}  // namespace edgebench
