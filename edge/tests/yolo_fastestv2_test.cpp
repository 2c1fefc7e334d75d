#include <doctest/doctest.h>

#include <limits>

#include "edgewright/detect.h"
#include "test_map.h"

using edgewright::DecodeRows;
using edgewright::DetectDecode;
using edgewright::YoloFastestV2Head;

namespace {

constexpr int kAnchors = 2;
constexpr int kClasses = 3;
constexpr int kChannels = 5 * kAnchors + kClasses;

TestMap Zeros() { return {kChannels, 2, 3}; }

DetectDecode Rule() { return {0.25F, 0.5F, 100, YoloFastestV2Head{{{0, 16, {{10, 20}, {30, 40}}}}}}; }

}  // namespace

TEST_CASE("yolo-fastestv2: one cell decodes to the box computed by hand") {
  TestMap map = Zeros();
  map.at(4, 1, 2) = 0.5F;  // anchor 1: x, y, w, h
  map.at(5, 1, 2) = 0.25F;
  map.at(6, 1, 2) = 0.5F;
  map.at(7, 1, 2) = 0.25F;
  map.at(9, 1, 2) = 0.8F;   // its objectness
  map.at(12, 1, 2) = 0.5F;  // class 2
  const auto rows = DecodeRows({map.view()}, Rule());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].class_index == 2);
  CHECK(rows[0].score == 0.8F * 0.5F);
  // centre ((2 * 0.5 - 0.5 + 2) * 16, (2 * 0.25 - 0.5 + 1) * 16) = (40, 16); size (1 * 30, 0.25 * 40) = (30, 10)
  CHECK(rows[0].box.x1 == 25);
  CHECK(rows[0].box.y1 == 11);
  CHECK(rows[0].box.x2 == 55);
  CHECK(rows[0].box.y2 == 21);
}

TEST_CASE("yolo-fastestv2: a score equal to the threshold is not a detection") {
  TestMap map = Zeros();
  map.at(8, 0, 0) = 0.5F;
  map.at(10, 0, 0) = 0.5F;
  CHECK(DecodeRows({map.view()}, Rule()).empty());
}

TEST_CASE("yolo-fastestv2: the lowest class wins among equals, and NaN is never a detection") {
  TestMap map = Zeros();
  map.at(8, 0, 0) = 1;
  map.at(11, 0, 0) = 0.5F;
  map.at(12, 0, 0) = 0.5F;
  const auto rows = DecodeRows({map.view()}, Rule());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].class_index == 1);
  for (const int channel : {10, 11, 12}) {
    TestMap broken = map;
    broken.at(channel, 0, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK(DecodeRows({broken.view()}, Rule()).empty());
  }
}

TEST_CASE("yolo-fastestv2: rows come scale by scale, then row, column, anchor") {
  const TestMap ones(kChannels, 2, 3, 1);
  const TestMap unused(1, 1, 1);
  // Scales name their outputs: here the last one first, and one that is not read.
  const DetectDecode rule{0.25F, 0.5F, 100,
                          YoloFastestV2Head{{{2, 16, {{10, 20}, {30, 40}}}, {0, 32, {{10, 20}, {30, 40}}}}}};
  const auto rows = DecodeRows({ones.view(), unused.view(), ones.view()}, rule);
  REQUIRE(rows.size() == 2 * 2 * 3 * kAnchors);
  CHECK(rows[1].box.x2 - rows[1].box.x1 == 120);   // anchor 1 of the first cell: 4 * 30
  CHECK(rows[2].box.x1 - rows[0].box.x1 == 16);    // the next column
  CHECK(rows[6].box.y1 - rows[0].box.y1 == 16);    // the next row
  CHECK(rows[14].box.x1 - rows[12].box.x1 == 32);  // the second scale
}
