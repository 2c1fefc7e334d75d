#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "child.h"
#include "commands.h"
#include "edgewright/cores.h"
#include "edgewright/device.h"
#include "edgewright/pack.h"
#include "frames.h"
#include "replicate.h"
#include "report.h"
#include "runtime.h"
#include "verdict.h"

namespace edgebench {
namespace {

using edgewright::Image;
using edgewright::Pack;
using edgewright::Result;
using edgewright::Status;
using nlohmann::ordered_json;

constexpr const char* kWhole = "image_to_result";

std::vector<int> DefaultThreads() {
  const int most = std::min(4, edgewright::ProbeDevice().num_cores);
  return most == 1 ? std::vector<int>{1} : std::vector<int>{1, most};
}

Demands DemandsOf(const BenchOptions& options) {
  Demands demands;
  demands.runs = options.mlperf ? 1024 : options.runs;
  demands.seconds = options.mlperf ? 60 : options.seconds;
  return demands;
}

Result<Measurement> Measure(const BenchOptions& options, int num_threads) {
  Measurement measurement;
  measurement.num_threads = num_threads;
  measurement.cores = edgewright::FastestCores(edgewright::FindCores(), static_cast<std::size_t>(num_threads));
  const ReplicateOptions one{options.pack,      options.image,      num_threads,
                             measurement.cores, DemandsOf(options), options.runtime_library};
  for (std::size_t i = 0; i < kReplicates; ++i) {
    const Result<std::string> reply = RunInChild([&one]() -> Result<std::string> {
      const Result<Replicate> replicate = MeasureReplicate(one);
      if (!replicate.ok()) return replicate.error();
      return ReplicateJson(replicate.value()).dump();
    });
    if (!reply.ok()) return reply.error();
    measurement.replicates.push_back(ParseReplicate(reply.value()));
  }
  return measurement;
}

// Of all replicates together, one after the other.
std::vector<double> Samples(const Measurement& measurement, std::size_t stage) {
  std::vector<double> samples;
  for (const Replicate& replicate : measurement.replicates) {
    for (const RunTimes& run : replicate.runs) samples.push_back(run[stage]);
  }
  return samples;
}

std::vector<double> WholeSamples(const Measurement& measurement) {
  std::vector<double> samples;
  for (const Replicate& replicate : measurement.replicates) {
    for (const RunTimes& run : replicate.runs) samples.push_back(TotalMs(run));
  }
  return samples;
}

std::vector<double> DecodeSamples(const Measurement& measurement) {
  std::vector<double> samples;
  for (const Replicate& replicate : measurement.replicates) {
    samples.insert(samples.end(), replicate.image_decode_ms.begin(), replicate.image_decode_ms.end());
  }
  return samples;
}

ordered_json StagesJson(const Measurement& measurement) {
  ordered_json stages;
  stages["image_decode"] = LatencyJson(DecodeSamples(measurement));
  for (std::size_t i = 0; i < kStages.size(); ++i) stages[kStages[i]] = LatencyJson(Samples(measurement, i));
  stages[kWhole] = LatencyJson(WholeSamples(measurement));
  return stages;
}

ordered_json MeasurementJson(const Measurement& measurement, const std::vector<std::string>& problems) {
  ordered_json replicates = ordered_json::array();
  for (const Replicate& replicate : measurement.replicates) {
    ordered_json summary = ReplicateJson(replicate);
    summary.erase("runs");  // they are in the stages' samples
    summary.erase("image_decode_ms");
    summary["num_runs"] = replicate.runs.size();
    summary["inference_p50_ms"] = MedianMs(replicate, kInference);
    summary["image_to_result_p50_ms"] = MedianRunMs(replicate);
    replicates.push_back(std::move(summary));
  }
  return {{"threads", measurement.num_threads},
          {"cores", measurement.cores},
          {"valid", problems.empty()},
          {"problems", problems},
          {"stages_ms", StagesJson(measurement)},
          {"replicates", replicates}};
}

std::string Cores(const Measurement& measurement) {
  std::string text = measurement.cores.size() == 1 ? "core" : "cores";
  for (const int core : measurement.cores) text += " " + std::to_string(core);
  return measurement.cores.empty() ? "cores of the system's choice" : text;
}

void Print(const Measurement& measurement, const std::vector<std::string>& problems, bool mlperf) {
  std::printf("%d thread%s on %s%s\n", measurement.num_threads, measurement.num_threads == 1 ? "" : "s",
              Cores(measurement).c_str(), problems.empty() ? "" : ": REFUSED");
  for (const std::string& problem : problems) std::printf("  not valid: %s\n", problem.c_str());
  const std::vector<double> decode = DecodeSamples(measurement);
  if (!decode.empty()) std::printf("  %-15s  %s\n", "image decode", LatencyText(decode).c_str());
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    std::printf("  %-15s  %s\n", kStages[i], LatencyText(Samples(measurement, i)).c_str());
  }
  std::printf("  %-15s  %s\n", "image to result", LatencyText(WholeSamples(measurement)).c_str());
  const Replicate& last = measurement.replicates.back();
  std::printf(
      "  load %.1f ms%s, first run %.1f ms, warm-up %d runs, peak memory %.1f MiB\n", last.load_ms,
      last.cold_load_ms ? (", from disk " + std::to_string(static_cast<int>(*last.cold_load_ms)) + " ms").c_str() : "",
      last.first_ms, last.warm_up_runs, last.peak_rss_mib);
  if (mlperf) {
    std::printf("  MLPerf single stream: %s\n", PercentileText(WholeSamples(measurement), 90).c_str());
  }
}

// One line per run, in the order they were taken.
std::string SampleLines(const std::vector<Measurement>& measurements) {
  std::string lines;
  for (const Measurement& measurement : measurements) {
    for (std::size_t r = 0; r < measurement.replicates.size(); ++r) {
      const std::vector<RunTimes>& runs = measurement.replicates[r].runs;
      for (std::size_t i = 0; i < runs.size(); ++i) {
        ordered_json line = {{"threads", measurement.num_threads}, {"replicate", r}, {"run", i}};
        for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
          line[std::string(kStages[stage]) + "_ms"] = runs[i][stage];
        }
        lines += line.dump() + "\n";
      }
    }
  }
  return lines;
}

Status WriteResults(const BenchOptions& options, const Pack& pack, const Image& image, const ordered_json& results,
                    const std::vector<Measurement>& measurements) {
  if (!options.samples_path.empty()) {
    const std::string lines = SampleLines(measurements);
    if (const Status written = WriteFile(lines.data(), lines.size(), options.samples_path); !written.ok()) {
      return written;
    }
  }
  if (options.json_path.empty()) return edgewright::Done{};
  const Demands demands = DemandsOf(options);
  return WriteJson({{"pack", PackJson(pack)},
                    {"runtime", RuntimeText(pack, options.runtime_library)},
                    {"device", DeviceJson()},
                    {"image", {{"width", image.width()}, {"height", image.height()}}},
                    {"method",
                     {{"replicates", kReplicates},
                      {"min_runs", demands.runs},
                      {"min_seconds", demands.seconds},
                      {"mlperf", options.mlperf}}},
                    {"results", results}},
                   options.json_path);
}

}  // namespace

int Bench(const BenchOptions& options) {
  const std::vector<int> thread_counts = options.num_threads.empty() ? DefaultThreads() : options.num_threads;
  for (const int num_threads : thread_counts) {
    if (const auto threads = CheckThreads(num_threads); !threads.ok()) return Fail(threads.error());
  }
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const Result<Image> image = ImageToMeasure(pack.value(), options.image);
  if (!image.ok()) return Fail(image.error());

  ordered_json results = ordered_json::array();
  std::vector<Measurement> measurements;
  bool valid = true;
  for (const int num_threads : thread_counts) {
    Result<Measurement> measurement = Measure(options, num_threads);
    if (!measurement.ok()) return Fail(measurement.error());
    const std::vector<std::string> problems = FindProblems(measurement.value());
    valid = valid && problems.empty();
    Print(measurement.value(), problems, options.mlperf);
    std::fflush(stdout);
    results.push_back(MeasurementJson(measurement.value(), problems));
    measurements.push_back(std::move(measurement.value()));
  }
  const Status written = WriteResults(options, pack.value(), image.value(), results, measurements);
  if (!written.ok()) return Fail(written.error());
  return valid || options.allow_refused ? 0 : 1;
}

}  // namespace edgebench
