#include "edgewright/segment.h"

#include <doctest/doctest.h>

#include <limits>

#include "test_map.h"

using edgewright::LabelMap;
using edgewright::ScaleToSource;
using edgewright::Segment;
using edgewright::Stretched;
using Labels = std::vector<std::uint16_t>;

TEST_CASE("a pixel is of the class with the largest logit, of equals the lower one; NaN wins as in numpy") {
  TestMap logits(3, 2, 2, -1);
  logits.at(2, 0, 1) = 5;
  logits.at(1, 1, 0) = 5;
  logits.at(2, 1, 0) = 5;
  logits.at(1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  logits.at(2, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  const LabelMap map = Segment({logits.view()}, {0});
  CHECK(map.width == 2);
  CHECK(map.height == 2);
  CHECK(map.labels == Labels{0, 2, 1, 1});
}

TEST_CASE("classes beyond 255 keep their number") {
  TestMap logits(1000, 1, 1);
  logits.at(999, 0, 0) = 1;
  CHECK(Segment({logits.view()}, {0}).labels == Labels{999});
}

TEST_CASE("scaling takes the nearest pixel centre") {
  const LabelMap map{3, 1, {1, 2, 3}};
  CHECK(ScaleToSource(map, Stretched(30, 20, 3, 1)).labels == map.labels);
  CHECK(ScaleToSource(map, Stretched(30, 20, 6, 2)).labels == Labels{1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3});
  CHECK(ScaleToSource(map, Stretched(30, 20, 1, 1)).labels == Labels{2});
  CHECK(ScaleToSource(map, Stretched(30, 20, 2, 1)).labels == Labels{1, 3});  // centres at 0.75 and 2.25
  CHECK(ScaleToSource(map, Stretched(30, 20, 4, 1)).labels == Labels{1, 2, 2, 3});
}
