#include "warm_up.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "edgewright/statistics.h"

namespace edgebench {
namespace {

constexpr std::size_t kMinWindowRuns = 5;
constexpr double kMinWindowMs = 50;
constexpr std::size_t kWindows = 5;
constexpr double kFlat = 0.02;

}  // namespace

void WarmUp::Add(double run_ms) {
  ++num_runs_;
  total_ms_ += run_ms;
  window_.push_back(run_ms);
  window_ms_ += run_ms;
  if (window_.size() < kMinWindowRuns || window_ms_ < kMinWindowMs) return;
  std::sort(window_.begin(), window_.end());
  medians_.push_back(edgewright::Percentile(window_, 50));
  window_.clear();
  window_ms_ = 0;
}

bool WarmUp::flat() const {
  if (medians_.size() < kWindows) return false;
  return std::abs(RelativeSlope({medians_.end() - kWindows, medians_.end()})) <= kFlat;
}

double RelativeSlope(const std::vector<double>& medians) {
  const auto count = static_cast<double>(medians.size());
  const double mean = std::accumulate(medians.begin(), medians.end(), 0.0) / count;
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < medians.size(); ++i) {
    const double x = static_cast<double>(i) - (count - 1) / 2;
    products += x * (medians[i] - mean);
    squares += x * x;
  }
  return mean > 0 && squares > 0 ? products / squares * (count - 1) / mean : 0;
}

}  // namespace edgebench
