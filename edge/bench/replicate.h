// One whole measurement of a pack at one thread count: load, first run, warm-up, then run after run, with everything
// that tells whether the times can be believed.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "edgewright/result.h"
#include "machine_state.h"
#include "thread_times.h"

namespace edgebench {

// Of one run, in order.  Together they are "image to result".
inline constexpr std::array<const char*, 3> kStages = {"preprocess", "inference", "postprocess"};
inline constexpr std::size_t kInference = 1;
using RunTimes = std::array<double, kStages.size()>;  // milliseconds

[[nodiscard]] inline double TotalMs(const RunTimes& times) { return std::accumulate(times.begin(), times.end(), 0.0); }

struct Demands {  // when enough has been measured: both have to be reached
  int runs = 50;
  double seconds = 5;
  double max_warm_up_seconds = 20;
};

struct Replicate {
  std::optional<double> cold_load_ms;  // with the files out of the page cache; nullopt: they could not be taken out
  double load_ms = 0;
  double first_ms = 0;  // of the whole first run
  int warm_up_runs = 0;
  bool warm = false;  // whether the warm-up became flat
  std::vector<RunTimes> runs;
  std::vector<double> image_decode_ms;  // of the image file, if there is one
  double wall_ms = 0;                   // of all measured runs and what lies between them
  double other_clock_ms = 0;            // the same by a clock that nobody sets (CLOCK_MONOTONIC_RAW)
  std::vector<ThreadShare> threads;
  std::vector<MachineState> states;  // before, about every second, after
  double peak_rss_mib = 0;
};

struct ReplicateOptions {
  std::string pack;
  std::string image;  // a file; empty: the pack's first golden image
  int num_threads = 1;
  std::vector<int> cores;  // to run on; empty: wherever
  Demands demands;
  std::string runtime_library;
};

// In this process, which should be a new one.
[[nodiscard]] edgewright::Result<Replicate> MeasureReplicate(const ReplicateOptions& options);

[[nodiscard]] nlohmann::ordered_json ReplicateJson(const Replicate& replicate);
[[nodiscard]] Replicate ParseReplicate(const std::string& text);  // of what `ReplicateJson` gave

}  // namespace edgebench
