// Wall time of calls.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "edgewright/result.h"

namespace edgebench {

class Stopwatch {
 public:
  // Since construction or the last lap.
  double LapMs() {
    const auto now = std::chrono::steady_clock::now();
    const double elapsed_ms = std::chrono::duration<double, std::milli>(now - start_).count();
    start_ = now;
    return elapsed_ms;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

template <typename Call>
double MeasureMs(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Milliseconds of each call of `step`, which returns a Result, until one fails; only those after `warmup` are kept.
template <typename Step>
edgewright::Result<std::vector<double>> MeasureRuns(int warmup, int runs, const Step& step) {
  std::vector<double> samples;
  samples.reserve(static_cast<std::size_t>(runs));
  std::optional<edgewright::Error> failure;
  for (int i = -warmup; i < runs && !failure; ++i) {
    const double elapsed_ms = MeasureMs([&] {
      const auto result = step();
      if (!result.ok()) failure = result.error();
    });
    if (i >= 0) samples.push_back(elapsed_ms);
  }
  if (failure) return *failure;
  return samples;
}

}  // namespace edgebench
