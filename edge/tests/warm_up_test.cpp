#include "warm_up.h"

#include <doctest/doctest.h>

#include <cmath>

using edgebench::RelativeSlope;
using edgebench::WarmUp;

TEST_CASE("times that do not change are flat after five windows of 50 ms") {
  WarmUp warm_up;
  int runs = 0;
  for (; !warm_up.flat() && runs < 1000; ++runs) warm_up.Add(10);
  CHECK(runs == 25);
}

TEST_CASE("a window has at least five runs, however long they are") {
  WarmUp warm_up;
  int runs = 0;
  for (; !warm_up.flat() && runs < 1000; ++runs) warm_up.Add(900);
  CHECK(runs == 25);
}

TEST_CASE("times that still fall are not flat, and are once they have settled") {
  WarmUp warm_up;
  int runs = 0;
  for (; !warm_up.flat() && runs < 1000; ++runs) warm_up.Add(10 + 10 * std::exp(-runs / 40.0));
  CHECK(runs > 60);
  CHECK(runs < 300);
}

TEST_CASE("times that rise, as those of a device that heats up, are not flat") {
  WarmUp warm_up;
  for (int i = 0; i < 400; ++i) {
    warm_up.Add(10 * (1 + 0.002 * i));
    CHECK_FALSE(warm_up.flat());
  }
}

TEST_CASE("the slope is that of the line through the medians, over all of them") {
  CHECK(RelativeSlope({10, 11, 12}) == doctest::Approx(2.0 / 11));
  CHECK(RelativeSlope({12, 11, 10}) == doctest::Approx(-2.0 / 11));
  CHECK(RelativeSlope({5}) == 0);
}
