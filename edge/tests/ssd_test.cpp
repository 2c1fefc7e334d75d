#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "edgewright/detect.h"
#include "test_map.h"

using edgewright::DecodeRows;
using edgewright::DetectDecode;
using edgewright::SsdHead;

namespace {

constexpr int kPriors = 2;
constexpr int kLogits = 3;  // of a prior: background and two classes

DetectDecode Rule(float score_threshold = 0.25F) {
  return {score_threshold, 0.5F, 100, SsdHead{{100, 50}, {{0, {40, 20}, {{0.5F, 0.5F}, {0.25F, 1}}}}}};
}

// Background everywhere but for prior 1 in row 0, column 2 of 2 x 3.
TestMap OnePrior(float background, float first_class, float second_class) {
  TestMap map(kPriors * (4 + kLogits), 2, 3);
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column) {
      for (int a = 0; a < kPriors; ++a) map.at(4 * kPriors + a * kLogits, row, column) = 100;
    }
  }
  const int first = 4 * kPriors + kLogits;
  map.at(first, 0, 2) = background;
  map.at(first + 1, 0, 2) = first_class;
  map.at(first + 2, 0, 2) = second_class;
  return map;
}

}  // namespace

TEST_CASE("ssd: one prior decodes to the box computed by hand, its centre clipped to the input") {
  TestMap map = OnePrior(0, static_cast<float>(std::log(2.0)), 0);  // a softmax of 1/4, 1/2, 1/4
  map.at(4, 0, 2) = -4;                                             // prior 1: x, y, w, h
  map.at(5, 0, 2) = 2;
  map.at(7, 0, 2) = static_cast<float>(5 * std::log(0.5));
  const auto rows = DecodeRows({map.view()}, Rule());
  REQUIRE(rows.size() == 1);  // 1/4 does not exceed the threshold
  CHECK(rows[0].class_index == 0);
  CHECK(rows[0].score == doctest::Approx(0.5));
  // prior centre (min(2.5 * 40 / 100, 1), 0.5 * 20 / 50) = (1, 0.2); centre (1 - 4 * 0.1 * 0.25, 0.2 + 2 * 0.1 * 1)
  CHECK((rows[0].box.x1 + rows[0].box.x2) / 2 == doctest::Approx(90));
  CHECK((rows[0].box.y1 + rows[0].box.y2) / 2 == doctest::Approx(20));
  CHECK(rows[0].box.x2 - rows[0].box.x1 == doctest::Approx(25));
  CHECK(rows[0].box.y2 - rows[0].box.y1 == doctest::Approx(25));
}

TEST_CASE("ssd: a threshold is exact, whatever was skipped before the softmax") {
  for (const float lead : {-20.0F, -5.0F, 0.0F, 5.0F, 20.0F}) {
    const TestMap map = OnePrior(0, lead, -100);
    const auto rows = DecodeRows({map.view()}, Rule(1e-12F));
    REQUIRE(rows.size() == 1);
    CHECK(DecodeRows({map.view()}, Rule(rows[0].score)).empty());
    CHECK(DecodeRows({map.view()}, Rule(std::nextafter(rows[0].score, 0.0F))).size() == 1);
  }
}

TEST_CASE("ssd: every class of a prior above the threshold is a row, in order; 0 takes every number above it") {
  const auto rows = DecodeRows({OnePrior(-10, 3, 4).view()}, Rule());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].class_index == 0);
  CHECK(rows[1].class_index == 1);
  CHECK(rows[0].score < rows[1].score);
  CHECK(rows[0].box.x1 == rows[1].box.x1);
  CHECK(DecodeRows({TestMap(kPriors * (4 + kLogits), 2, 3).view()}, Rule(0)).size() == 2 * 3 * kPriors * 2);
}

TEST_CASE("ssd: NaN and infinity are never detections") {
  for (const float broken : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK(DecodeRows({OnePrior(broken, 9, 9).view()}, Rule()).empty());
    CHECK(DecodeRows({OnePrior(0, broken, 9).view()}, Rule()).empty());
    CHECK(DecodeRows({OnePrior(0, 9, broken).view()}, Rule()).empty());
  }
}
