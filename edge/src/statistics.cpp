#include "edgewright/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace edgewright {
namespace {

std::size_t Rank(std::size_t count, double percent) {  // 1 is the smallest
  return static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(count)));
}

// P(at least `successes` of `trials` independent draws succeed), each with probability p.
double BinomialTail(std::size_t trials, std::size_t successes, double p) {
  if (p >= 1) return 1;
  const auto n = static_cast<double>(trials);
  double sum = 0;
  for (std::size_t i = successes; i <= trials; ++i) {
    const auto k = static_cast<double>(i);
    const double term = std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
                                 (n - k) * std::log1p(-p));
    sum += term;
    if (k > n * p && term < 1e-12 * sum) break;  // the rest is smaller still
  }
  return sum;
}

// The smallest rank that a resample's median is at most, with the given probability.  It is at most the k-th smallest
// sample when at least half of its draws are, and that is a binomial tail: the bootstrap distribution of a median is
// known without drawing a single resample (Efron, "Bootstrap methods: another look at the jackknife", 1979, section 3).
std::size_t BootstrapMedianRank(std::size_t count, double probability) {
  const std::size_t median = Rank(count, 50);
  std::size_t low = 1;
  std::size_t high = count;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const double p = static_cast<double>(middle) / static_cast<double>(count);
    if (BinomialTail(count, median, p) >= probability) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

double MedianDistance(const std::vector<double>& samples, double from) {
  std::vector<double> distances;
  distances.reserve(samples.size());
  for (const double sample : samples) distances.push_back(std::abs(sample - from));
  std::sort(distances.begin(), distances.end());
  return Percentile(distances, 50);
}

}  // namespace

double Percentile(const std::vector<double>& sorted, double percent) {
  return sorted[Rank(sorted.size(), percent) - 1];
}

std::optional<LatencyStats> Summarize(std::vector<double> samples_ms) {
  if (samples_ms.empty()) return std::nullopt;
  std::sort(samples_ms.begin(), samples_ms.end());
  const double sum = std::accumulate(samples_ms.begin(), samples_ms.end(), 0.0);
  LatencyStats stats;
  stats.count = samples_ms.size();
  stats.min = samples_ms.front();
  stats.mean = sum / static_cast<double>(samples_ms.size());
  stats.p50 = Percentile(samples_ms, 50);
  stats.p90 = Percentile(samples_ms, 90);
  stats.p99 = Percentile(samples_ms, 99);
  stats.max = samples_ms.back();
  stats.mad = MedianDistance(samples_ms, stats.p50);
  stats.p50_low = samples_ms[BootstrapMedianRank(stats.count, 0.025) - 1];
  stats.p50_high = samples_ms[BootstrapMedianRank(stats.count, 0.975) - 1];
  return stats;
}

}  // namespace edgewright
