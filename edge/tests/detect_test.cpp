#include "edgewright/detect.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using edgewright::Box;
using edgewright::Decode;
using edgewright::Detection;
using edgewright::MapView;

namespace {

constexpr int kAnchors = 2;
constexpr int kClasses = 3;

// A map of 2 x 3 cells and its memory; everything is 0.
struct Map {
  static constexpr int kHeight = 2;
  static constexpr int kWidth = 3;
  std::vector<float> values = std::vector<float>((5 * kAnchors + kClasses) * kHeight * kWidth);

  float& at(int channel, int row, int column) {
    return values[static_cast<std::size_t>((channel * kHeight + row) * kWidth + column)];
  }
  [[nodiscard]] MapView view() const {
    return {values.data(), 5 * kAnchors + kClasses, kHeight, kWidth, kHeight * kWidth};
  }
};

Decode Rule() { return {0.25F, 0.5F, 100, {{"map", 16, {{10, 20}, {30, 40}}}}}; }

Detection At(float x, float score, int class_index) { return {{x, 0, x + 10, 10}, score, class_index}; }

}  // namespace

TEST_CASE("one cell decodes to the box computed by hand") {
  Map map;
  map.at(4, 1, 2) = 0.5F;  // anchor 1: x, y, w, h
  map.at(5, 1, 2) = 0.25F;
  map.at(6, 1, 2) = 0.5F;
  map.at(7, 1, 2) = 0.25F;
  map.at(9, 1, 2) = 0.8F;   // its objectness
  map.at(12, 1, 2) = 0.5F;  // class 2
  const auto rows = edgewright::DecodeMaps({map.view()}, Rule());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].class_index == 2);
  CHECK(rows[0].score == 0.8F * 0.5F);
  // centre ((2 * 0.5 - 0.5 + 2) * 16, (2 * 0.25 - 0.5 + 1) * 16) = (40, 16); size (1 * 30, 0.25 * 40) = (30, 10)
  CHECK(rows[0].box.x1 == 25);
  CHECK(rows[0].box.y1 == 11);
  CHECK(rows[0].box.x2 == 55);
  CHECK(rows[0].box.y2 == 21);
}

TEST_CASE("a score equal to the threshold is not a detection") {
  Map map;
  map.at(8, 0, 0) = 0.5F;
  map.at(10, 0, 0) = 0.5F;
  CHECK(edgewright::DecodeMaps({map.view()}, Rule()).empty());
}

TEST_CASE("the lowest class wins among equals, and NaN is never a detection") {
  Map map;
  map.at(8, 0, 0) = 1;
  map.at(11, 0, 0) = 0.5F;
  map.at(12, 0, 0) = 0.5F;
  auto rows = edgewright::DecodeMaps({map.view()}, Rule());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].class_index == 1);
  map.at(12, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK(edgewright::DecodeMaps({map.view()}, Rule()).empty());
}

TEST_CASE("rows come scale by scale, then row, column, anchor") {
  Map map;
  for (float& value : map.values) value = 1;
  const Decode rule{0.25F, 0.5F, 100, {{"a", 16, {{10, 20}, {30, 40}}}, {"b", 32, {{10, 20}, {30, 40}}}}};
  const auto rows = edgewright::DecodeMaps({map.view(), map.view()}, rule);
  REQUIRE(rows.size() == 2 * 2 * 3 * kAnchors);
  CHECK(rows[1].box.x2 - rows[1].box.x1 == 120);   // anchor 1 of the first cell: 4 * 30
  CHECK(rows[2].box.x1 - rows[0].box.x1 == 16);    // the next column
  CHECK(rows[6].box.y1 - rows[0].box.y1 == 16);    // the next row
  CHECK(rows[14].box.x1 - rows[12].box.x1 == 32);  // the second scale
}

TEST_CASE("suppression keeps the best of each class and stops at the limit") {
  const auto kept =
      edgewright::SuppressOverlaps({At(0, 0.5F, 0), At(1, 0.9F, 0), At(2, 0.7F, 1), At(50, 0.6F, 0)}, Rule());
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].score == 0.9F);
  CHECK(kept[1].score == 0.7F);
  CHECK(kept[2].score == 0.6F);
  Decode one = Rule();
  one.max_detections = 1;
  CHECK(edgewright::SuppressOverlaps({At(0, 0.5F, 0), At(50, 0.6F, 0)}, one).size() == 1);
  CHECK(edgewright::SuppressOverlaps({}, Rule()).empty());
}

TEST_CASE("equal scores keep their order, and an overlap equal to the threshold stays") {
  const auto kept = edgewright::SuppressOverlaps({At(100, 0.5F, 0), At(0, 0.5F, 1), At(50, 0.5F, 0)}, Rule());
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].box.x1 == 100);
  CHECK(kept[1].box.x1 == 0);
  // Boxes of 3 x 1 that share 2 x 1: intersection 2, union 4, exactly 0.5.
  const std::vector<Detection> half = {{{0, 0, 3, 1}, 0.9F, 0}, {{1, 0, 4, 1}, 0.8F, 0}};
  CHECK(edgewright::SuppressOverlaps(half, Rule()).size() == 2);
}

TEST_CASE("boxes go back to source pixels, clipped to the image") {
  edgewright::Preprocess network;
  network.width = 100;
  network.height = 50;
  const auto scaled = edgewright::ScaleToSource({{{-5, 10, 50, 60}, 0.5F, 0}}, network, 200, 200);
  CHECK(scaled[0].box.x1 == 0);
  CHECK(scaled[0].box.y1 == 40);
  CHECK(scaled[0].box.x2 == 100);
  CHECK(scaled[0].box.y2 == 200);
}
