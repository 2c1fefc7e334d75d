#include "report.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "edgewright/device.h"
#include "edgewright/statistics.h"

namespace edgebench {

using edgewright::Done;
using edgewright::Error;
using edgewright::InputError;
using edgewright::LatencyStats;
using edgewright::Status;
using nlohmann::ordered_json;

int Fail(const Error& error) {
  std::fprintf(stderr, "edgebench: error: %s\n", error.message.c_str());
  return error.kind == edgewright::ErrorKind::kCheck ? 1 : 2;
}

Status CheckThreads(int num_threads) {
  const int num_cores = edgewright::ProbeDevice().num_cores;
  if (num_threads >= 1 && num_threads <= num_cores) return Done{};
  return InputError("--threads " + std::to_string(num_threads) + ": this machine has " + std::to_string(num_cores) +
                    (num_cores == 1 ? " core" : " cores"));
}

Status WriteFile(const void* data, std::size_t size, const std::string& path) {
  const std::string temporary = path + ".part";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr) return InputError(path + ": " + std::strerror(errno));
  bool written = std::fwrite(data, 1, size, file) == size;
  int reason = errno;
  if (std::fclose(file) != 0) {
    if (written) reason = errno;
    written = false;
  }
  if (written && std::rename(temporary.c_str(), path.c_str()) == 0) return Done{};
  if (written) reason = errno;
  std::remove(temporary.c_str());  // NOLINT(cert-err33-c): the reason is what came before
  return InputError(path + ": " + std::strerror(reason));
}

std::string JsonText(const ordered_json& document) {
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Status WriteJson(const ordered_json& document, const std::string& path) {
  const std::string text = JsonText(document);
  return WriteFile(text.data(), text.size(), path);
}

ordered_json DeviceJson() {
  const edgewright::DeviceInfo device = edgewright::ProbeDevice();
  return {{"cpu_model", device.cpu_model},
          {"architecture", device.architecture},
          {"num_cores", device.num_cores},
          {"cpu_features", device.cpu_features},
          {"governor", device.governor},
          {"frequency_mhz", device.frequency_mhz},
          {"fp16_arithmetic_compiled", device.fp16_arithmetic_compiled},
          {"fp16_arithmetic_available", device.fp16_arithmetic_available}};
}

ordered_json PackJson(const edgewright::Pack& pack) {
  const edgewright::Manifest& manifest = pack.manifest();
  return {{"path", pack.folder().string()},
          {"model", manifest.model},
          {"target", manifest.target},
          {"precision", manifest.precision},
          {"manifest_sha256", pack.manifest_sha256()}};
}

ordered_json LatencyJson(const std::vector<double>& samples_ms) {
  const std::optional<LatencyStats> stats = edgewright::Summarize(samples_ms);
  if (!stats) return nullptr;
  return {{"count", stats->count},     {"min", stats->min},           {"mean", stats->mean},  {"p50", stats->p50},
          {"p90", stats->p90},         {"p99", stats->p99},           {"max", stats->max},    {"mad", stats->mad},
          {"p50_low", stats->p50_low}, {"p50_high", stats->p50_high}, {"samples", samples_ms}};
}

std::string LatencyText(const std::vector<double>& samples_ms) {
  const std::optional<LatencyStats> stats = edgewright::Summarize(samples_ms);
  if (!stats) return "no samples";
  char text[200];
  std::snprintf(text, sizeof(text), "p50 %.3f [%.3f, %.3f]  p90 %.3f  p99 %.3f  min %.3f  max %.3f  mad %.3f ms",
                stats->p50, stats->p50_low, stats->p50_high, stats->p90, stats->p99, stats->min, stats->max,
                stats->mad);
  return text;
}

std::string PercentileText(std::vector<double> samples_ms, int percent) {
  if (samples_ms.empty()) return "no samples";
  std::sort(samples_ms.begin(), samples_ms.end());
  char text[60];
  std::snprintf(text, sizeof(text), "p%d %.3f ms", percent, edgewright::Percentile(samples_ms, percent));
  return text;
}

}  // namespace edgebench
