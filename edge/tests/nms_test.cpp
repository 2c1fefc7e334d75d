#include <doctest/doctest.h>

#include "edgewright/detect.h"

using edgewright::DetectDecode;
using edgewright::Detection;
using edgewright::Detections;
using edgewright::OverlapsBy;
using edgewright::SuppressOverlaps;

namespace {

DetectDecode Rule() { return {0.25F, 0.5F, 100, {}}; }

Detection At(float x, float score, int class_index) { return {{x, 0, x + 10, 10}, score, class_index}; }

}  // namespace

TEST_CASE("suppression keeps the best of each class and stops at the limit") {
  const auto kept = SuppressOverlaps({At(0, 0.5F, 0), At(1, 0.9F, 0), At(2, 0.7F, 1), At(50, 0.6F, 0)}, Rule());
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].score == 0.9F);
  CHECK(kept[1].score == 0.7F);
  CHECK(kept[2].score == 0.6F);
  DetectDecode one = Rule();
  one.max_detections = 1;
  CHECK(SuppressOverlaps({At(0, 0.5F, 0), At(50, 0.6F, 0)}, one).size() == 1);
  CHECK(SuppressOverlaps({}, Rule()).empty());
}

TEST_CASE("equal scores keep their order, and an overlap equal to the threshold stays") {
  const auto kept = SuppressOverlaps({At(100, 0.5F, 0), At(0, 0.5F, 1), At(50, 0.5F, 0)}, Rule());
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].box.x1 == 100);
  CHECK(kept[1].box.x1 == 0);
  // Boxes of 3 x 1 that share 2 x 1: intersection 2, union 4, exactly 0.5.
  const Detections half = {{{0, 0, 3, 1}, 0.9F, 0}, {{1, 0, 4, 1}, 0.8F, 0}};
  CHECK(SuppressOverlaps(half, Rule()).size() == 2);
}

TEST_CASE("overlap is intersection over union, boxes without area included") {
  CHECK(OverlapsBy({0, 0, 3, 1}, {1, 0, 4, 1}, 0.5));
  CHECK_FALSE(OverlapsBy({0, 0, 3, 1}, {1, 0, 4, 1}, 0.51));
  CHECK(OverlapsBy({5, 5, 5, 5}, {5, 5, 5, 5}, 1));
  CHECK_FALSE(OverlapsBy({0, 0, 1, 1}, {5, 5, 6, 6}, 0.01));
}

TEST_CASE("boxes go back to source pixels, clipped to the image") {
  edgewright::Detections scaled = {{{-5, 10, 50, 60}, 0.5F, 0}};
  edgewright::ScaleToSource(edgewright::Stretched(100, 50, 200, 200), &scaled);
  CHECK(scaled[0].box.x1 == 0);
  CHECK(scaled[0].box.y1 == 40);
  CHECK(scaled[0].box.x2 == 100);
  CHECK(scaled[0].box.y2 == 200);
}
