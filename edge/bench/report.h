// What the commands share: errors as one line and an exit code, and results as JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "edgewright/pack.h"
#include "edgewright/result.h"

namespace edgebench {

// Prints one line; the exit code of the error's kind.
int Fail(const edgewright::Error& error);

// An error unless the machine has that many cores for this process.
[[nodiscard]] edgewright::Status CheckThreads(int num_threads);

// Written beside `path`, then renamed, so that it appears whole or not at all.
[[nodiscard]] edgewright::Status WriteFile(const void* data, std::size_t size, const std::string& path);
[[nodiscard]] edgewright::Status WriteJson(const nlohmann::ordered_json& document, const std::string& path);
// Text that is not UTF-8, a file name for example, is replaced.
[[nodiscard]] std::string JsonText(const nlohmann::ordered_json& document);

[[nodiscard]] nlohmann::ordered_json DeviceJson();
[[nodiscard]] nlohmann::ordered_json PackJson(const edgewright::Pack& pack);
// The statistics and, for whoever wants others, the samples in the order they were taken.
[[nodiscard]] nlohmann::ordered_json LatencyJson(const std::vector<double>& samples_ms);

// "p50 5.71 [5.70, 5.73]  p90 5.93  p99 7.02  min 5.60  max 7.90  mad 0.04 ms"; the interval is of the median, at 95 %
[[nodiscard]] std::string LatencyText(const std::vector<double>& samples_ms);
[[nodiscard]] std::string PercentileText(std::vector<double> samples_ms, int percent);  // "p90 5.93 ms"

}  // namespace edgebench
