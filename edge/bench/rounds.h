// Two contestants in turns, in one process: whatever slows the machine down slows both.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "edgewright/result.h"
#include "edgewright/statistics.h"
#include "timing.h"

namespace edgebench {

struct Rounds {  // milliseconds, one entry a round
  std::vector<double> pack;
  std::vector<double> other;
  std::vector<double> ratio;
};

// Each in every round, in turns first; both return a Result.  Rounds before the `warmup`th do not count.
template <typename Pack, typename Other>
edgewright::Result<Rounds> Interleave(int warmup, int runs, const Pack& pack, const Other& other) {
  Rounds rounds;
  std::optional<edgewright::Error> failure;
  const auto measure = [&](const auto& step) {
    return MeasureMs([&] {
      const auto result = step();
      if (!result.ok()) failure = result.error();
    });
  };
  for (int i = -warmup; i < runs; ++i) {
    const bool pack_first = i % 2 == 0;
    const double first_ms = pack_first ? measure(pack) : measure(other);
    const double second_ms = pack_first ? measure(other) : measure(pack);
    if (failure) return *failure;
    if (i < 0) continue;
    const auto [pack_ms, other_ms] = pack_first ? std::pair(first_ms, second_ms) : std::pair(second_ms, first_ms);
    rounds.pack.push_back(pack_ms);
    rounds.other.push_back(other_ms);
    rounds.ratio.push_back(pack_ms / other_ms);
  }
  return rounds;
}

struct RatioStats {
  double p10;
  double median;
  double p90;
};

inline RatioStats Summarize(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  return {edgewright::Percentile(ratios, 10), edgewright::Percentile(ratios, 50), edgewright::Percentile(ratios, 90)};
}

}  // namespace edgebench
