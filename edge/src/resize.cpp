// OpenCV's fixed-point bilinear kernel (modules/imgproc/src/resize.cpp, HResizeLinear and VResizeLinear for uchar):
// weights of 11 bits, columns blended first into 32 bits, then rows with the products cut to 16 bits one by one.
#include "edgewright/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace edgewright {
namespace {

constexpr float kWeightOne = 2048.0F;

std::int32_t Weight(float fraction) { return static_cast<std::int32_t>(std::nearbyint(fraction * kWeightOne)); }

// OpenCV takes an exact halving of both sides for an area average.
void Halve(const ImageView& source, Image* destination) {
  for (int y = 0; y < destination->height(); ++y) {
    const std::uint8_t* upper = source.row(2 * y);
    const std::uint8_t* lower = source.row(2 * y + 1);
    std::uint8_t* out = destination->row(y);
    for (int x = 0; x < destination->width(); ++x, upper += 6, lower += 6, out += 3) {
      for (int c = 0; c < 3; ++c) {
        out[c] = static_cast<std::uint8_t>((upper[c] + upper[c + 3] + lower[c] + lower[c + 3] + 2) >> 2);
      }
    }
  }
}

void BlendRows(const std::vector<std::int32_t>& upper, const std::vector<std::int32_t>& lower,
               std::int32_t upper_weight, std::int32_t lower_weight, std::uint8_t* out) {
  const std::size_t size = upper.size();
  for (std::size_t i = 0; i < size; ++i) {
    const std::int32_t sum = ((upper_weight * (upper[i] >> 4)) >> 16) + ((lower_weight * (lower[i] >> 4)) >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

}  // namespace

// Columns that fall outside the source read its edge with full weight; rows keep their weights and read the edge twice.
// The cut products make that a difference of one grey level.
void LinearResizer::Prepare(int source_length, int length, Border border, Axis* axis) {
  if (axis->source_length == source_length && axis->taps.size() == static_cast<std::size_t>(length)) return;
  axis->source_length = source_length;
  axis->taps.resize(static_cast<std::size_t>(length));
  const double scale = 1.0 / (static_cast<double>(length) / source_length);
  const int last = source_length - 1;
  for (int i = 0; i < length; ++i) {
    const auto position = static_cast<float>((i + 0.5) * scale - 0.5);
    int first = static_cast<int>(std::floor(position));
    float fraction = position - static_cast<float>(first);
    if (border == Border::kClampWeights && (first < 0 || first >= last)) {
      first = std::clamp(first, 0, last);
      fraction = 0;
    }
    axis->taps[static_cast<std::size_t>(i)] = {std::clamp(first, 0, last), std::clamp(first + 1, 0, last),
                                               Weight(1.0F - fraction), Weight(fraction)};
  }
}

void LinearResizer::BlendColumns(const std::uint8_t* source_row, std::vector<std::int32_t>* row) const {
  std::int32_t* out = row->data();
  for (const Tap& tap : columns_.taps) {
    const std::uint8_t* first = source_row + 3 * static_cast<std::size_t>(tap.first);
    const std::uint8_t* second = source_row + 3 * static_cast<std::size_t>(tap.second);
    for (int c = 0; c < 3; ++c) *out++ = first[c] * tap.first_weight + second[c] * tap.second_weight;
  }
}

void LinearResizer::Resize(const ImageView& source, Image* destination) {
  const int width = destination->width();
  const int height = destination->height();
  if (source.width == width && source.height == height) {
    for (int y = 0; y < height; ++y) std::memcpy(destination->row(y), source.row(y), destination->row_bytes());
    return;
  }
  if (source.width == 2 * width && source.height == 2 * height) {
    Halve(source, destination);
    return;
  }
  Prepare(source.width, width, Border::kClampWeights, &columns_);
  Prepare(source.height, height, Border::kClampCoordinates, &rows_);
  upper_.resize(destination->row_bytes());
  lower_.resize(destination->row_bytes());
  int upper_y = -1;  // the source rows that `upper_` and `lower_` hold
  int lower_y = -1;
  for (int y = 0; y < height; ++y) {
    const Tap& tap = rows_.taps[static_cast<std::size_t>(y)];
    if (tap.first == lower_y && tap.first != upper_y) {
      upper_.swap(lower_);
      std::swap(upper_y, lower_y);
    }
    if (tap.first != upper_y) BlendColumns(source.row(upper_y = tap.first), &upper_);
    if (tap.second != lower_y) BlendColumns(source.row(lower_y = tap.second), &lower_);
    BlendRows(upper_, lower_, tap.first_weight, tap.second_weight, destination->row(y));
  }
}

}  // namespace edgewright
