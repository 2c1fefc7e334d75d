// Whether a measurement can be believed, and if not, why.
#pragma once

#include <string>
#include <vector>

#include "replicate.h"

namespace edgebench {

inline constexpr std::size_t kReplicates = 3;
inline constexpr int kMinRuns = 50;
inline constexpr double kMinSeconds = 5;

struct Measurement {  // of one thread count
  int num_threads = 1;
  std::vector<int> cores;  // that were asked for; empty: the operating system does not let a program choose
  std::vector<Replicate> replicates;
};

// One sentence each, with the number and the limit; empty: it can be believed.
[[nodiscard]] std::vector<std::string> FindProblems(const Measurement& measurement);

// A median over the runs of one replicate: of one stage, or of the whole run.
[[nodiscard]] double MedianMs(const Replicate& replicate, std::size_t stage);
[[nodiscard]] double MedianRunMs(const Replicate& replicate);

}  // namespace edgebench
