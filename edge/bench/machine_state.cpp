#include "machine_state.h"

#if defined(__unix__)
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "kernel_file.h"

namespace edgebench {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> ReadLine(const fs::path& path) {
  const std::string text = ReadKernelFile(path);
  if (text.empty()) return std::nullopt;
  return text.substr(0, text.find('\n'));
}

std::optional<double> ReadNumber(const fs::path& path) {
  const std::optional<std::string> line = ReadLine(path);
  if (!line) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(line->c_str(), &end);
  if (end == line->c_str()) return std::nullopt;
  return value;
}

std::optional<double> CoreMhz(const fs::path& cpus, int core) {
  const std::optional<double> khz = ReadNumber(cpus / ("cpu" + std::to_string(core)) / "cpufreq/scaling_cur_freq");
  if (!khz) return std::nullopt;
  return *khz / 1000;
}

std::optional<double> HottestZone(const fs::path& zones) {
  std::optional<double> hottest;
  std::error_code error;
  for (fs::directory_iterator entry(zones, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().rfind("thermal_zone", 0) != 0) continue;
    const std::optional<double> millidegrees = ReadNumber(entry->path() / "temp");
    if (millidegrees) hottest = std::max(hottest.value_or(-273), *millidegrees / 1000);
  }
  return hottest;
}

std::optional<std::uint32_t> ParseHex(const std::string& text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 16);
  if (end == text.c_str()) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

// The kernel of Raspberry Pi OS tells by itself; other kernels for the same boards leave it to `vcgencmd`.
std::optional<std::uint32_t> Throttled(const fs::path& root) {
  const std::optional<std::string> told = ReadLine(root / "sys/devices/platform/soc/soc:firmware/get_throttled");
  if (told) return ParseHex(*told);
  std::error_code error;
  if (root != "/" || !fs::exists("/usr/bin/vcgencmd", error)) return std::nullopt;
  std::FILE* pipe = popen("/usr/bin/vcgencmd get_throttled 2>/dev/null", "r");  // NOLINT(cert-env33-c): no input in it
  if (pipe == nullptr) return std::nullopt;
  char line[64] = "";
  const bool read = std::fgets(line, sizeof(line), pipe) != nullptr;
  pclose(pipe);
  const std::string text(line);  // "throttled=0x50000"
  const std::size_t equals = text.find('=');
  if (!read || equals == std::string::npos) return std::nullopt;
  return ParseHex(text.substr(equals + 1));
}

// The eighth number behind "cpuN" in /proc/stat, in clock ticks.
std::optional<double> StolenMs(const fs::path& stat, const std::vector<int>& cores) {
  constexpr std::size_t kSteal = 8;
  const std::string text = ReadKernelFile(stat);
  std::optional<double> sum_ms;
#if defined(__unix__)
  const double ms_per_tick = 1000.0 / static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK)));
#else
  const double ms_per_tick = 10;
#endif
  for (std::size_t start = 0; text.compare(start, 3, "cpu") == 0;) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::vector<std::string> words = SplitWords(text.substr(start, end - start));
    start = std::min(end + 1, text.size());
    const auto is_it = [&](int core) { return words[0] == "cpu" + std::to_string(core); };
    if (words.size() <= kSteal || std::none_of(cores.begin(), cores.end(), is_it)) continue;
    sum_ms = sum_ms.value_or(0) + std::strtod(words[kSteal].c_str(), nullptr) * ms_per_tick;
  }
  return sum_ms;
}

}  // namespace

MachineState ReadMachineState(const std::vector<int>& cores, const fs::path& root) {
  const fs::path cpus = root / "sys/devices/system/cpu";
  MachineState state;
  if (!cores.empty()) {
    const fs::path governor = cpus / ("cpu" + std::to_string(cores.front())) / "cpufreq/scaling_governor";
    state.governor = ReadLine(governor).value_or("");
  }
  for (const int core : cores) state.core_mhz.push_back(CoreMhz(cpus, core));
  state.temperature_c = HottestZone(root / "sys/class/thermal");
  state.throttled = Throttled(root);
  state.stolen_ms = StolenMs(root / "proc/stat", cores);
  return state;
}

std::string ThrottleText(std::uint32_t throttled) {
  constexpr const char* kNames[] = {"under-voltage", "frequency capped", "throttled", "soft temperature limit"};
  std::string text;
  for (std::size_t bit = 0; bit < 4; ++bit) {
    if ((throttled >> bit & 1U) != 0) text += (text.empty() ? "" : ", ") + std::string(kNames[bit]);
  }
  return text;
}

}  // namespace edgebench
