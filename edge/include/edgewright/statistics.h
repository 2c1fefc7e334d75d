// Latency statistics of one measurement.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace edgewright {

struct LatencyStats {  // milliseconds
  std::size_t count = 0;
  double min = 0;
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
  double mad = 0;      // median of the distances from p50
  double p50_low = 0;  // 95 % interval of p50, by bootstrap
  double p50_high = 0;
};

// Nearest-rank percentile of sorted, non-empty samples; 0 < percent <= 100.
[[nodiscard]] double Percentile(const std::vector<double>& sorted, double percent);

// nullopt for no samples, so that an empty run can never be printed as 0 ms.
[[nodiscard]] std::optional<LatencyStats> Summarize(std::vector<double> samples_ms);

}  // namespace edgewright
