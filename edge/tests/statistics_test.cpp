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

TEST_CASE("the median's distance and interval are those computed by hand") {
  const auto stats = Summarize({1, 2, 3, 4, 100});
  CHECK(stats->p50 == 3);
  CHECK(stats->mad == 1);  // distances 0, 1, 1, 2, 97
  // A resample's median is at most the smallest of five when three draws of five are: P(Bin(5, 1/5) >= 3) = 0.0579.
  CHECK(stats->p50_low == 1);
  CHECK(stats->p50_high == 100);
}

TEST_CASE("the interval of a median narrows with the number of samples, and holds the median") {
  std::vector<double> samples;
  for (int i = 0; i < 10000; ++i) samples.push_back(i);
  const auto stats = Summarize(samples);
  CHECK(stats->p50_low < stats->p50);
  CHECK(stats->p50_high > stats->p50);
  // The standard deviation of the rank is sqrt(n) / 2 = 50.
  CHECK(stats->p50 - stats->p50_low == doctest::Approx(98).epsilon(0.05));
  CHECK(stats->p50_high - stats->p50 == doctest::Approx(98).epsilon(0.05));
}

TEST_CASE("the interval of a single sample, and of equal ones, is that number") {
  CHECK(Summarize({7})->p50_low == 7);
  CHECK(Summarize({7})->p50_high == 7);
  CHECK(Summarize({7, 7, 7})->mad == 0);
}
