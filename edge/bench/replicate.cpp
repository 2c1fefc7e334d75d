#include "replicate.h"

#include <sys/resource.h>

#include <ctime>

#include "edgewright/cores.h"
#include "frames.h"
#include "image_file.h"
#include "json_fields.h"
#include "page_cache.h"
#include "timing.h"
#include "warm_up.h"

namespace edgebench {
namespace {

using edgewright::Image;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using edgewright::Status;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kLookEveryMs = 100;
constexpr double kStateEveryMs = 1000;
constexpr int kDecodeRuns = 50;

double OtherClockMs() {
#if defined(CLOCK_MONOTONIC_RAW)
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
#else
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

double PeakRssMib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);  // bytes there, kilobytes elsewhere
#else
  return static_cast<double>(usage.ru_maxrss) / (1 << 10);
#endif
}

bool DropPack(const Pack& pack) {
  bool dropped = true;
  for (const auto& file : pack.manifest().files) dropped = DropFromPageCache(pack.folder() / file.path) && dropped;
  return dropped;
}

// Opening (which reads every byte, for the digests) and loading.
Result<Model> Load(const ReplicateOptions& options) {
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return pack.error();
  return Model::Load(pack.value(), options.num_threads, options.runtime_library);
}

// Runs until enough has been measured, and looks at threads and machine in between.
Status MeasureRuns(const Image& image, const ReplicateOptions& options, Model* model, Replicate* replicate) {
  ThreadWatch threads;
  Stopwatch state_watch;
  double since_look_ms = 0;
  double since_state_ms = 0;
  const double other_start_ms = OtherClockMs();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed_ms = [&] {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  const auto enough = [&] {
    return replicate->runs.size() >= static_cast<std::size_t>(options.demands.runs) &&
           elapsed_ms() >= options.demands.seconds * 1000;
  };
  while (!enough()) {
    const Result<RunTimes> times = RunFrame(image.view(), model);
    if (!times.ok()) return times.error();
    replicate->runs.push_back(times.value());
    since_look_ms += TotalMs(times.value());
    since_state_ms += TotalMs(times.value());
    if (since_look_ms >= kLookEveryMs) {
      threads.Look();
      since_look_ms = 0;
    }
    if (since_state_ms >= kStateEveryMs) {
      replicate->states.push_back(ReadMachineState(options.cores));
      since_state_ms = 0;
    }
  }
  threads.Look();
  replicate->wall_ms = elapsed_ms();
  replicate->other_clock_ms = OtherClockMs() - other_start_ms;
  replicate->threads = threads.Shares(replicate->wall_ms);
  return edgewright::Done{};
}

Status MeasureDecode(const std::string& path, Replicate* replicate) {
  Result<std::vector<double>> samples = edgebench::MeasureRuns(3, kDecodeRuns, [&] { return ReadImage(path); });
  if (!samples.ok()) return samples.error();
  replicate->image_decode_ms = std::move(samples.value());
  return edgewright::Done{};
}

template <typename T>
ordered_json Optional(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

template <typename T>
std::optional<T> ParseOptional(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

ordered_json StateJson(const MachineState& state) {
  ordered_json core_mhz = ordered_json::array();
  for (const std::optional<double>& mhz : state.core_mhz) core_mhz.push_back(Optional(mhz));
  return {{"governor", state.governor},
          {"core_mhz", core_mhz},
          {"temperature_c", Optional(state.temperature_c)},
          {"throttled", Optional(state.throttled)},
          {"stolen_ms", Optional(state.stolen_ms)}};
}

MachineState ParseState(const json& value) {
  MachineState state;
  state.governor = value.at("governor");
  for (const json& mhz : value.at("core_mhz")) state.core_mhz.push_back(ParseOptional<double>(mhz));
  state.temperature_c = ParseOptional<double>(value.at("temperature_c"));
  state.throttled = ParseOptional<std::uint32_t>(value.at("throttled"));
  state.stolen_ms = ParseOptional<double>(value.at("stolen_ms"));
  return state;
}

}  // namespace

Result<Replicate> MeasureReplicate(const ReplicateOptions& options) {
  if (!options.cores.empty()) {
    if (const Status pinned = edgewright::RunOnCores(options.cores); !pinned.ok()) return pinned.error();
  }
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return pack.error();
  Result<Image> image = ImageToMeasure(pack.value(), options.image);
  if (!image.ok()) return image.error();

  Replicate replicate;
  Stopwatch watch;
  if (DropPack(pack.value())) {
    watch.LapMs();
    if (const auto cold = Load(options); !cold.ok()) return cold.error();
    replicate.cold_load_ms = watch.LapMs();
  }
  watch.LapMs();
  Result<Model> model = Load(options);
  if (!model.ok()) return model.error();
  replicate.load_ms = watch.LapMs();

  const Result<RunTimes> first = RunFrame(image.value().view(), &model.value());
  if (!first.ok()) return first.error();
  replicate.first_ms = TotalMs(first.value());

  WarmUp warm_up;
  while (!warm_up.flat() && warm_up.total_ms() < options.demands.max_warm_up_seconds * 1000) {
    const Result<RunTimes> times = RunFrame(image.value().view(), &model.value());
    if (!times.ok()) return times.error();
    warm_up.Add(TotalMs(times.value()));
  }
  replicate.warm = warm_up.flat();
  replicate.warm_up_runs = warm_up.num_runs();

  replicate.states.push_back(ReadMachineState(options.cores));
  if (const Status measured = MeasureRuns(image.value(), options, &model.value(), &replicate); !measured.ok()) {
    return measured.error();
  }
  replicate.states.push_back(ReadMachineState(options.cores));
  if (!options.image.empty()) {
    if (const Status decoded = MeasureDecode(options.image, &replicate); !decoded.ok()) return decoded.error();
  }
  replicate.peak_rss_mib = PeakRssMib();
  return replicate;
}

ordered_json ReplicateJson(const Replicate& replicate) {
  ordered_json threads = ordered_json::array();
  for (const ThreadShare& share : replicate.threads) {
    threads.push_back({{"cpu", share.cpu}, {"waited", share.waited}, {"cores", share.cores}});
  }
  ordered_json states = ordered_json::array();
  for (const MachineState& state : replicate.states) states.push_back(StateJson(state));
  return {{"cold_load_ms", Optional(replicate.cold_load_ms)},
          {"load_ms", replicate.load_ms},
          {"first_ms", replicate.first_ms},
          {"warm_up_runs", replicate.warm_up_runs},
          {"warm", replicate.warm},
          {"wall_ms", replicate.wall_ms},
          {"other_clock_ms", replicate.other_clock_ms},
          {"peak_rss_mib", replicate.peak_rss_mib},
          {"threads", threads},
          {"states", states},
          {"runs", replicate.runs},
          {"image_decode_ms", replicate.image_decode_ms}};
}

Replicate ParseReplicate(const std::string& text) {
  const json value = edgewright::ParseJson(text.data(), text.data() + text.size());
  Replicate replicate;
  replicate.cold_load_ms = ParseOptional<double>(value.at("cold_load_ms"));
  replicate.load_ms = value.at("load_ms");
  replicate.first_ms = value.at("first_ms");
  replicate.warm_up_runs = value.at("warm_up_runs");
  replicate.warm = value.at("warm");
  replicate.wall_ms = value.at("wall_ms");
  replicate.other_clock_ms = value.at("other_clock_ms");
  replicate.peak_rss_mib = value.at("peak_rss_mib");
  for (const json& share : value.at("threads")) {
    replicate.threads.push_back({share.at("cpu"), share.at("waited"), share.at("cores").get<std::set<int>>()});
  }
  for (const json& state : value.at("states")) replicate.states.push_back(ParseState(state));
  replicate.runs = value.at("runs").get<std::vector<RunTimes>>();
  replicate.image_decode_ms = value.at("image_decode_ms").get<std::vector<double>>();
  return replicate;
}

}  // namespace edgebench
