// When a network has reached its steady pace: caches, branch predictors, frequency governors and memory pools take
// their time, and how long differs from device to device.
#pragma once

#include <vector>

namespace edgebench {

// Add the time of every run; `flat` when the medians of the last windows of runs neither rise nor fall.
class WarmUp {
 public:
  void Add(double run_ms);
  [[nodiscard]] bool flat() const;
  [[nodiscard]] int num_runs() const { return num_runs_; }
  [[nodiscard]] double total_ms() const { return total_ms_; }

 private:
  int num_runs_ = 0;
  double total_ms_ = 0;
  std::vector<double> window_;
  double window_ms_ = 0;
  std::vector<double> medians_;  // of complete windows
};

// How much a line through these changes from the first to the last of them, as a fraction of their mean.
[[nodiscard]] double RelativeSlope(const std::vector<double>& medians);

}  // namespace edgebench
