#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "edgewright/detect.h"
#include "test_map.h"

using edgewright::DecodeRows;
using edgewright::DetectDecode;
using edgewright::YoloHead;
using edgewright::YoloScale;

namespace {

constexpr int kFields = 5 + 2;  // of an anchor: x, y, w, h, objectness, two classes
constexpr float kNever = -100;

YoloScale Scale() { return {0, 16, {{10, 20}, {30, 40}}, 1, false}; }

DetectDecode Rule(const YoloScale& scale, float score_threshold = 0.25F) {
  return {score_threshold, 0.5F, 100, YoloHead{{scale}}};
}

// Anchor 1 sees something in row 1, column 2 of 2 x 3; its box is filled in by the test.
TestMap OneObject(float objectness, float first_class, float second_class) {
  TestMap map(2 * kFields, 2, 3, kNever);
  const float values[kFields] = {0, 0, 0, 0, objectness, first_class, second_class};
  for (int k = 0; k < kFields; ++k) map.at(kFields + k, 1, 2) = values[k];
  return map;
}

}  // namespace

TEST_CASE("yolo: one cell decodes to the box computed by hand, and every class above the threshold is a row") {
  TestMap map = OneObject(100, 0, 100);  // probabilities 1, 0.5 and 1
  map.at(kFields + 2, 1, 2) = static_cast<float>(std::log(2.0));
  const auto rows = DecodeRows({map.view()}, Rule(Scale()));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].class_index == 0);
  CHECK(rows[0].score == 0.5F);
  CHECK(rows[1].class_index == 1);
  CHECK(rows[1].score == 1.0F);
  // centre ((0.5 + 2) * 16, (0.5 + 1) * 16) = (40, 24); size (2 * 30, 1 * 40)
  CHECK(rows[0].box.x1 == doctest::Approx(10));
  CHECK(rows[0].box.y1 == 4);
  CHECK(rows[0].box.x2 == doctest::Approx(70));
  CHECK(rows[0].box.y2 == 44);
}

TEST_CASE("yolo: scale_x_y stretches the centre about the middle of its cell") {
  TestMap map = OneObject(100, 100, kNever);
  map.at(kFields, 1, 2) = 100;      // right edge of the cell
  map.at(kFields + 1, 1, 2) = -99;  // upper edge
  YoloScale scale = Scale();
  scale.scale_x_y = 2;
  const auto rows = DecodeRows({map.view()}, Rule(scale));
  REQUIRE(rows.size() == 1);
  CHECK((rows[0].box.x1 + rows[0].box.x2) / 2 == (2 - 0.5F + 2) * 16);
  CHECK((rows[0].box.y1 + rows[0].box.y2) / 2 == (0 - 0.5F + 1) * 16);
}

TEST_CASE("yolo: new_coords takes activated values, and squares the sides") {
  TestMap map(2 * kFields, 2, 3);
  const float values[kFields] = {0.5F, 0.25F, 0.5F, 0.25F, 0.8F, 0.25F, 0.5F};
  for (int k = 0; k < kFields; ++k) map.at(k, 0, 1) = values[k];
  YoloScale scale = Scale();
  scale.new_coords = true;
  const auto rows = DecodeRows({map.view()}, Rule(scale));
  REQUIRE(rows.size() == 1);  // 0.8 * 0.25 is below the threshold
  CHECK(rows[0].class_index == 1);
  CHECK(rows[0].score == 0.8F * 0.5F);
  CHECK(rows[0].box.x1 == (0.5F + 1) * 16 - 5);
  CHECK(rows[0].box.x2 == (0.5F + 1) * 16 + 5);
  CHECK(rows[0].box.y1 == 0.25F * 16 - 2.5F);
}

TEST_CASE("yolo: a threshold is exact, whatever was skipped before the exponential") {
  for (const float objectness : {-14.0F, -3.0F, 0.0F, 3.0F, 14.0F}) {
    const TestMap map = OneObject(objectness, 2, kNever);
    const auto rows = DecodeRows({map.view()}, Rule(Scale(), 0));
    REQUIRE(!rows.empty());
    const float score = rows[0].score;
    CAPTURE(score);
    CHECK(DecodeRows({map.view()}, Rule(Scale(), score)).empty());
    CHECK(DecodeRows({map.view()}, Rule(Scale(), std::nextafter(score, 0.0F))).size() == 1);
  }
  CHECK(DecodeRows({OneObject(100, 100, 100).view()}, Rule(Scale(), 1)).empty());
}

TEST_CASE("yolo: NaN is never a detection, and a huge side stays a number") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(DecodeRows({OneObject(nan, 100, 100).view()}, Rule(Scale())).empty());
  CHECK(DecodeRows({OneObject(100, nan, nan).view()}, Rule(Scale())).empty());
  TestMap map = OneObject(100, 100, kNever);
  map.at(kFields + 2, 1, 2) = 1e30F;
  const auto rows = DecodeRows({map.view()}, Rule({0, 16, {{10, 20}, {0.1F, 40}}, 1, false}));
  REQUIRE(rows.size() == 1);
  CHECK(std::isfinite(rows[0].box.x2));
}

TEST_CASE("yolo: rows come in the order row, column, anchor, class") {
  const TestMap map(2 * kFields, 2, 3, 100);
  const auto rows = DecodeRows({map.view()}, Rule({0, 16, {{1e-30F, 1e-30F}, {2e-30F, 2e-30F}}, 1, false}));
  REQUIRE(rows.size() == 2 * 3 * 2 * 2);
  CHECK(rows[1].class_index == 1);
  CHECK(rows[2].box.x2 > rows[1].box.x2);  // the second anchor is larger
  CHECK(rows[4].box.x1 > rows[0].box.x1);
  CHECK(rows[12].box.y1 > rows[0].box.y1);
}
