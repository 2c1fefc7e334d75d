#include "edgewright/placement.h"

#include <algorithm>
#include <cstdint>

namespace edgewright {
namespace {

// value * numerator / denominator, rounded half up, at least 1.
int Scaled(int value, int numerator, int denominator) {
  const std::int64_t doubled = 2 * std::int64_t{value} * numerator + denominator;
  return static_cast<int>(std::max<std::int64_t>(1, doubled / (2 * std::int64_t{denominator})));
}

}  // namespace

Placement Place(const Preprocess& rule, int source_width, int source_height) {
  Placement placed = Stretched(rule.width, rule.height, source_width, source_height);
  if (rule.resize == ResizeRule::kStretch) return placed;
  if (std::int64_t{rule.width} * source_height <= std::int64_t{rule.height} * source_width) {
    placed.height = Scaled(source_height, rule.width, source_width);
  } else {
    placed.width = Scaled(source_width, rule.height, source_height);
  }
  placed.left = (rule.width - placed.width) / 2;
  placed.top = (rule.height - placed.height) / 2;
  return placed;
}

}  // namespace edgewright
