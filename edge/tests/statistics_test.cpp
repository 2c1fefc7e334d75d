#include "edgewright/statistics.h"

#include <doctest/doctest.h>

using edgewright::Summarize;

TEST_CASE("statistics of four samples are those computed by hand") {
  const auto stats = Summarize({4, 1, 3, 2});
  REQUIRE(stats);
  CHECK(stats->count == 4);
  CHECK(stats->min == 1);
  CHECK(stats->mean == 2.5);
  CHECK(stats->p50 == 2);  // nearest rank: ceil(0.5 * 4) = 2nd
  CHECK(stats->p90 == 4);
  CHECK(stats->max == 4);
}

TEST_CASE("p99 of 100 samples is the 99th, of 101 the 100th") {
  std::vector<double> samples;
  for (int i = 1; i <= 100; ++i) samples.push_back(i);
  CHECK(Summarize(samples)->p99 == 99);
  samples.push_back(101);
  CHECK(Summarize(samples)->p99 == 100);
}

TEST_CASE("no samples give no statistics") { CHECK_FALSE(Summarize({})); }
