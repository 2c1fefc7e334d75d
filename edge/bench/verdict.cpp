#include "verdict.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>

#include "edgewright/statistics.h"

namespace edgebench {
namespace {

constexpr double kMaxSpread = 0.05;  // of the replicates' medians
constexpr double kMaxWaited = 0.02;  // of the wall time, for a core that another process had
constexpr double kMaxStolen = 0.02;  // of the cores' time, by the host of a virtual machine
constexpr double kBusy = 0.25;       // of the wall time: a thread that took part
constexpr double kMaxFrequencyDrop = 0.05;
constexpr double kMaxClockDrift = 0.01;

using Problems = std::vector<std::string>;

std::string Percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100 * fraction);
  return text;
}

std::string Number(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.4g %s", value, unit);
  return text;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return edgewright::Percentile(values, 50);
}

void CheckAgreement(const std::vector<Replicate>& replicates, const char* what,
                    const std::function<double(const Replicate&)>& median_ms, Problems* problems) {
  std::vector<double> medians;
  for (const Replicate& replicate : replicates) medians.push_back(median_ms(replicate));
  const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
  const double spread = (*high - *low) / Median(medians);
  if (!(spread <= kMaxSpread)) {
    problems->push_back("the replicates' medians of " + std::string(what) + " are " + Percent(spread) +
                        " apart (limit " + Percent(kMaxSpread) + ")");
  }
}

void CheckAmount(const Replicate& replicate, Problems* problems) {
  if (replicate.runs.size() < kMinRuns || replicate.wall_ms < kMinSeconds * 1000) {
    problems->push_back(std::to_string(replicate.runs.size()) + " runs in " + Number(replicate.wall_ms / 1000, "s") +
                        " were measured; at least " + std::to_string(kMinRuns) + " and " + Number(kMinSeconds, "s") +
                        " are needed");
  }
  if (!replicate.warm) {
    problems->push_back("after " + std::to_string(replicate.warm_up_runs) + " runs of warm-up times still drifted");
  }
}

// Clocks that are set or stopped while measuring, and times that cannot be.
void CheckClock(const Replicate& replicate, Problems* problems) {
  const auto negative = [](const RunTimes& times) {
    return std::any_of(times.begin(), times.end(), [](double time) { return !(time >= 0); });
  };
  if (std::any_of(replicate.runs.begin(), replicate.runs.end(), negative)) {
    problems->emplace_back("the clock went backwards");
  }
  const double drift = std::abs(replicate.wall_ms - replicate.other_clock_ms) / std::max(replicate.wall_ms, 1e-9);
  if (!(drift <= kMaxClockDrift)) {
    problems->push_back("two clocks differ by " + Percent(drift) + " (limit " + Percent(kMaxClockDrift) + ")");
  }
}

void CheckThreads(const Replicate& replicate, const Measurement& measurement, Problems* problems) {
  if (replicate.threads.empty()) {
    problems->emplace_back("the operating system does not tell what the threads did");
    return;
  }
  const auto busy = std::count_if(replicate.threads.begin(), replicate.threads.end(),
                                  [](const ThreadShare& share) { return share.cpu >= kBusy; });
  if (busy != measurement.num_threads) {
    problems->push_back("asked for " + std::to_string(measurement.num_threads) +
                        (measurement.num_threads == 1 ? " thread, " : " threads, ") + std::to_string(busy) +
                        (busy == 1 ? " was busy" : " were busy"));
  }
  std::set<int> seen;
  for (const ThreadShare& share : replicate.threads) {
    if (share.cpu >= kBusy) seen.insert(share.cores.begin(), share.cores.end());
  }
  if (measurement.cores.empty()) return;
  const std::set<int> asked(measurement.cores.begin(), measurement.cores.end());
  if (!std::includes(asked.begin(), asked.end(), seen.begin(), seen.end())) {
    problems->emplace_back("a thread left the cores it was put on");
  } else if (seen.size() < asked.size() && busy == measurement.num_threads) {
    problems->push_back(std::to_string(measurement.num_threads) + " threads shared " + std::to_string(seen.size()) +
                        (seen.size() == 1 ? " core" : " cores"));
  }
}

// What other programs, and other guests of the same host, took: the worst of the replicates.
void CheckCompany(const Measurement& measurement, Problems* problems) {
  double waited = 0;
  double stolen = 0;
  for (const Replicate& replicate : measurement.replicates) {
    for (const ThreadShare& share : replicate.threads) waited = std::max(waited, share.waited);
    if (replicate.states.empty() || measurement.cores.empty()) continue;
    const std::optional<double> before = replicate.states.front().stolen_ms;
    const std::optional<double> after = replicate.states.back().stolen_ms;
    if (!before || !after) continue;
    const double cores_ms = replicate.wall_ms * static_cast<double>(measurement.cores.size());
    stolen = std::max(stolen, (*after - *before) / cores_ms);
  }
  if (!(waited <= kMaxWaited)) {
    problems->push_back("a thread waited " + Percent(waited) + " of the time for a core that others used (limit " +
                        Percent(kMaxWaited) + ")");
  }
  if (!(stolen <= kMaxStolen)) {
    problems->push_back("the host of this virtual machine took " + Percent(stolen) + " of the time (limit " +
                        Percent(kMaxStolen) + ")");
  }
}

void CheckMachine(const Replicate& replicate, const Measurement& measurement, Problems* problems) {
  std::set<std::string> throttled;
  for (const MachineState& state : replicate.states) {
    if (state.throttled) throttled.insert(ThrottleText(*state.throttled));
  }
  throttled.erase("");
  for (const std::string& text : throttled) problems->push_back("the machine slowed itself down: " + text);

  for (std::size_t i = 0; i < measurement.cores.size(); ++i) {
    std::vector<double> mhz;
    for (const MachineState& state : replicate.states) {
      if (i < state.core_mhz.size() && state.core_mhz[i]) mhz.push_back(*state.core_mhz[i]);
    }
    if (mhz.empty()) continue;
    const auto [low, high] = std::minmax_element(mhz.begin(), mhz.end());
    if (*low < (1 - kMaxFrequencyDrop) * *high) {
      problems->push_back("core " + std::to_string(measurement.cores[i]) + " went from " + Number(*high, "MHz") +
                          " to " + Number(*low, "MHz") + "; set its governor to performance");
    }
  }
}

}  // namespace

double MedianMs(const Replicate& replicate, std::size_t stage) {
  std::vector<double> times;
  for (const RunTimes& run : replicate.runs) times.push_back(run[stage]);
  return Median(std::move(times));
}

double MedianRunMs(const Replicate& replicate) {
  std::vector<double> times;
  for (const RunTimes& run : replicate.runs) times.push_back(TotalMs(run));
  return Median(std::move(times));
}

std::vector<std::string> FindProblems(const Measurement& measurement) {
  Problems all;
  if (measurement.replicates.size() < kReplicates) {
    all.push_back(std::to_string(measurement.replicates.size()) + " replicates; " + std::to_string(kReplicates) +
                  " are needed");
  }
  for (const Replicate& replicate : measurement.replicates) {
    CheckAmount(replicate, &all);
    CheckClock(replicate, &all);
    CheckThreads(replicate, measurement, &all);
    CheckMachine(replicate, measurement, &all);
  }
  CheckCompany(measurement, &all);
  CheckAgreement(measurement.replicates, "inference", [](const Replicate& r) { return MedianMs(r, kInference); }, &all);
  CheckAgreement(measurement.replicates, "image to result", MedianRunMs, &all);
  Problems distinct;  // the same sentence about several replicates is said once
  for (std::string& problem : all) {
    if (std::find(distinct.begin(), distinct.end(), problem) == distinct.end()) distinct.push_back(std::move(problem));
  }
  return distinct;
}

}  // namespace edgebench
