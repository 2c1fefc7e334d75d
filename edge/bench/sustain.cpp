#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "edgewright/cores.h"
#include "edgewright/statistics.h"
#include "frames.h"
#include "machine_state.h"
#include "report.h"
#include "runtime.h"
#include "timing.h"

namespace edgebench {
namespace {

using edgewright::Image;
using edgewright::LatencyStats;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

constexpr double kMinuteMs = 60000;

std::string Shown(const std::optional<double>& value, const char* unit) {
  if (!value) return std::string("- ") + unit;
  char text[48];
  std::snprintf(text, sizeof(text), "%.0f %s", *value, unit);
  return text;
}

std::optional<double> SlowestMhz(const MachineState& state) {
  std::optional<double> slowest;
  for (const std::optional<double>& mhz : state.core_mhz) {
    if (mhz) slowest = std::min(slowest.value_or(*mhz), *mhz);
  }
  return slowest;
}

// A minute, or the part of one at the end.
ordered_json MinuteJson(std::size_t minute, const LatencyStats& stats, const MachineState& state) {
  const auto or_null = [](const auto& value) { return value ? ordered_json(*value) : ordered_json(nullptr); };
  return {{"minute", minute},
          {"runs", stats.count},
          {"p50_ms", stats.p50},
          {"p90_ms", stats.p90},
          {"max_ms", stats.max},
          {"core_mhz", or_null(SlowestMhz(state))},
          {"temperature_c", or_null(state.temperature_c)},
          {"throttled", or_null(state.throttled)}};
}

void PrintMinute(std::size_t minute, const LatencyStats& stats, const MachineState& state) {
  const std::string throttled = state.throttled ? ThrottleText(*state.throttled) : "";
  std::printf("minute %3zu  p50 %.3f  p90 %.3f  max %.3f ms  %s  %s%s%s\n", minute, stats.p50, stats.p90, stats.max,
              Shown(SlowestMhz(state), "MHz").c_str(), Shown(state.temperature_c, "degrees C").c_str(),
              throttled.empty() ? "" : "  ", throttled.c_str());
  std::fflush(stdout);
}

Result<ordered_json> Curve(const SustainOptions& options, const std::vector<int>& cores, const Image& image,
                           Model* model) {
  ordered_json minutes = ordered_json::array();
  Stopwatch watch;
  double total_ms = 0;
  while (total_ms < options.seconds * 1000) {
    std::vector<double> samples;
    const double end_ms = std::min(kMinuteMs, options.seconds * 1000 - total_ms);
    double minute_ms = 0;
    while (minute_ms < end_ms) {
      const Result<RunTimes> times = RunFrame(image.view(), model);
      if (!times.ok()) return times.error();
      samples.push_back(TotalMs(times.value()));
      minute_ms += watch.LapMs();
    }
    total_ms += minute_ms;
    const std::optional<LatencyStats> stats = edgewright::Summarize(samples);
    if (!stats) break;
    const MachineState state = ReadMachineState(cores);
    PrintMinute(minutes.size() + 1, *stats, state);
    minutes.push_back(MinuteJson(minutes.size() + 1, *stats, state));
  }
  return minutes;
}

}  // namespace

int Sustain(const SustainOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const std::vector<int> cores =
      edgewright::FastestCores(edgewright::FindCores(), static_cast<std::size_t>(options.num_threads));
  if (!cores.empty()) {
    if (const auto pinned = edgewright::RunOnCores(cores); !pinned.ok()) return Fail(pinned.error());
  }
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const Result<Image> image = ImageToMeasure(pack.value(), "");
  if (!image.ok()) return Fail(image.error());
  Result<Model> model = Model::Load(pack.value(), options.num_threads, options.runtime_library);
  if (!model.ok()) return Fail(model.error());
  const Result<ordered_json> minutes = Curve(options, cores, image.value(), &model.value());
  if (!minutes.ok()) return Fail(minutes.error());

  const double first = minutes.value().front()["p50_ms"];
  const double last = minutes.value().back()["p50_ms"];
  if (options.json_path.empty()) {
    std::printf("the last minute's median is %.3f of the first's\n", last / first);
    return 0;
  }
  const edgewright::Status written = WriteJson({{"pack", PackJson(pack.value())},
                                                {"runtime", RuntimeText(pack.value(), options.runtime_library)},
                                                {"device", DeviceJson()},
                                                {"threads", options.num_threads},
                                                {"cores", cores},
                                                {"last_to_first", last / first},
                                                {"minutes", minutes.value()}},
                                               options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
