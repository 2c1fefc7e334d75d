#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "edgewright/detect.h"
#include "edgewright/suppress.h"

using edgewright::Box;
using edgewright::DetectDecode;
using edgewright::Detection;
using edgewright::Detections;
using edgewright::OverlapsBy;
using edgewright::Suppressor;
using edgewright::SuppressOverlaps;

namespace {

DetectDecode Rule() { return {0.25F, 0.5F, 100, {}}; }

// The definition: every candidate against every kept box.
struct Simple {
  Detections kept;
  std::size_t num_comparisons = 0;
};
Simple SuppressSimply(Detections rows, float iou_threshold, int max_detections) {
  std::stable_sort(rows.begin(), rows.end(), [](const Detection& a, const Detection& b) { return a.score > b.score; });
  Simple result;
  const auto area = [](const Box& box) { return (box.x2 - box.x1) * (box.y2 - box.y1); };
  for (const Detection& row : rows) {
    const bool suppressed = std::any_of(result.kept.begin(), result.kept.end(), [&](const Detection& other) {
      if (other.class_index != row.class_index) return false;
      ++result.num_comparisons;
      const float width = std::min(other.box.x2, row.box.x2) - std::max(other.box.x1, row.box.x1);
      const float height = std::min(other.box.y2, row.box.y2) - std::max(other.box.y1, row.box.y1);
      const float shared = std::max(width, 0.0F) * std::max(height, 0.0F);
      return shared > iou_threshold * (area(other.box) + area(row.box) - shared);
    });
    if (!suppressed) result.kept.push_back(row);
    if (result.kept.size() == static_cast<std::size_t>(max_detections)) break;
  }
  return result;
}

bool AreSame(const Detections& a, const Detections& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Detection& x, const Detection& y) {
    return x.box.x1 == y.box.x1 && x.box.y1 == y.box.y1 && x.box.x2 == y.box.x2 && x.box.y2 == y.box.y2 &&
           x.score == y.score && x.class_index == y.class_index;
  });
}

// `count` boxes of about `side` pixels; whole numbers and few scores, so that edges touch and scores tie.
Detections Crowd(std::mt19937* random, int count, int side, int num_classes) {
  Detections rows;
  const auto below = [&](int limit) { return static_cast<int>((*random)() % static_cast<unsigned>(limit)); };
  for (int i = 0; i < count; ++i) {
    const bool is_large = below(40) == 0;
    const int width = below((is_large ? 10 : 2) * side);  // 0: no area
    const int height = below((is_large ? 10 : 2) * side);
    const auto x = static_cast<float>(below(640) - 20);
    const auto y = static_cast<float>(below(480) - 20);
    rows.push_back({{x, y, x + static_cast<float>(width), y + static_cast<float>(height)},
                    static_cast<float>(below(50)) / 50,
                    below(num_classes)});
  }
  return rows;
}

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

TEST_CASE("a crowd is suppressed as by comparing every box with every other") {
  std::mt19937 random(1);
  Suppressor suppressor;  // one for all, as for the frames of a stream
  for (const int count : {0, 1, 5, 60, 64, 65, 200, 900}) {
    for (const int side : {1, 12, 60, 400}) {
      for (const float iou_threshold : {0.0F, 0.4F, 0.5F, 1.0F}) {
        const Detections rows = Crowd(&random, count, side, 1 + static_cast<int>(random() % 3));
        for (const int max_detections : {1, 100, 10000}) {
          CAPTURE(count);
          CAPTURE(side);
          CAPTURE(iou_threshold);
          Detections found = rows;
          suppressor.Run(iou_threshold, max_detections, &found);
          const Simple expected = SuppressSimply(rows, iou_threshold, max_detections);
          CHECK(AreSame(found, expected.kept));
        }
      }
    }
  }
}

TEST_CASE("boxes that no image has are suppressed as by comparing every box with every other") {
  std::mt19937 random(2);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Box& odd : {Box{-infinity, 0, infinity, 10}, Box{0, 0, 3e38F, 3e38F}, Box{-3e38F, -3e38F, 3e38F, 3e38F},
                         Box{50, 50, 20, 90}, Box{90, 90, 10, 10}, Box{1e-40F, 0, 2e-40F, 1}}) {
    Detections rows = Crowd(&random, 300, 30, 2);
    rows[7].box = odd;
    rows[30] = rows[7];
    CHECK(AreSame(SuppressOverlaps(rows, {0.25F, 0.4F, 10000, {}}), SuppressSimply(rows, 0.4F, 10000).kept));
  }
}

TEST_CASE("a crowded scene takes few comparisons, and twice the crowd about twice as many") {
  std::mt19937 random(3);
  const auto run = [&](int count, int side) {
    Detections rows = Crowd(&random, count, side, 1);
    const Simple simple = SuppressSimply(rows, 0.5F, 10000);
    Suppressor suppressor;
    suppressor.Run(0.5F, 10000, &rows);
    return std::pair(suppressor.num_comparisons(), simple.num_comparisons);
  };
  const auto [few, few_simple] = run(2000, 8);
  const auto [many, many_simple] = run(4000, 6);  // as dense
  CHECK(few * 20 < few_simple);
  CHECK(many * 40 < many_simple);
  CHECK(many < 3 * few);
  CHECK(many_simple > 3 * few_simple);
}
