#include "edgewright/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace edgewright {

double Percentile(const std::vector<double>& sorted, double percent) {
  const double rank = std::ceil(percent / 100.0 * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(rank) - 1];
}

std::optional<LatencyStats> Summarize(std::vector<double> samples_ms) {
  if (samples_ms.empty()) return std::nullopt;
  std::sort(samples_ms.begin(), samples_ms.end());
  const double sum = std::accumulate(samples_ms.begin(), samples_ms.end(), 0.0);
  return LatencyStats{
      samples_ms.size(),          samples_ms.front(),         sum / static_cast<double>(samples_ms.size()),
      Percentile(samples_ms, 50), Percentile(samples_ms, 90), Percentile(samples_ms, 99),
      samples_ms.back()};
}

}  // namespace edgewright
