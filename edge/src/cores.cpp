#include "edgewright/cores.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "edgewright/file.h"

namespace edgewright {
namespace {

constexpr std::uint64_t kMaxSysfsBytes = 4096;

// A number of sysfs; `missing` when the kernel does not tell.
double ReadNumber(const std::filesystem::path& path, double missing) {
  const Result<Bytes> bytes = ReadFile(path, kMaxSysfsBytes);
  if (!bytes.ok() || bytes.value().empty()) return missing;
  const std::string text(bytes.value().begin(), bytes.value().end());
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? missing : value;
}

bool IsFaster(const Core& a, const Core& b) {
  return std::tuple(a.sibling, -a.capacity, -a.max_mhz, a.index) <
         std::tuple(b.sibling, -b.capacity, -b.max_mhz, b.index);
}

#if defined(__linux__)
std::vector<int> AllowedCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> indices;
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return indices;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<std::size_t>(i), &mask)) indices.push_back(i);
  }
  return indices;
}
#else
std::vector<int> AllowedCores() { return {}; }
#endif

}  // namespace

std::vector<Core> FindCores(const std::filesystem::path& sysfs) {
  std::vector<Core> cores;
  std::map<std::pair<double, double>, int> threads_of;  // package and core within it -> hardware threads seen
  for (const int index : AllowedCores()) {
    const std::filesystem::path folder = sysfs / "devices/system/cpu" / ("cpu" + std::to_string(index));
    Core core;
    core.index = index;
    core.capacity = static_cast<int>(ReadNumber(folder / "cpu_capacity", 0));
    core.max_mhz = ReadNumber(folder / "cpufreq/cpuinfo_max_freq", 0) / 1000;
    const double physical = ReadNumber(folder / "topology/core_id", -1 - index);  // not told: a core of its own
    core.sibling = threads_of[{ReadNumber(folder / "topology/physical_package_id", 0), physical}]++;
    cores.push_back(core);
  }
  return cores;
}

std::vector<int> FastestCores(std::vector<Core> cores, std::size_t count) {
  std::sort(cores.begin(), cores.end(), IsFaster);
  std::vector<int> indices;
  for (std::size_t i = 0; i < std::min(count, cores.size()); ++i) indices.push_back(cores[i].index);
  return indices;
}

std::vector<std::vector<Core>> Clusters(std::vector<Core> cores) {
  const auto kind = [](const Core& core) { return std::pair(-core.capacity, -core.max_mhz); };
  std::map<std::pair<int, double>, std::vector<Core>> clusters;
  for (const Core& core : cores) clusters[kind(core)].push_back(core);
  std::vector<std::vector<Core>> fastest_first;
  for (auto& [_, members] : clusters) fastest_first.push_back(std::move(members));
  return fastest_first;
}

Status RunOnCores(const std::vector<int>& indices) {
#if defined(__linux__)
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int index : indices) {
    if (index < 0 || index >= CPU_SETSIZE) return InputError("core " + std::to_string(index) + ": no such core");
    CPU_SET(static_cast<std::size_t>(index), &mask);
  }
  if (sched_setaffinity(0, sizeof(mask), &mask) == 0) return Done{};
  return InputError(std::string("cannot choose cores: ") + std::strerror(errno));
#else
  static_cast<void>(indices);
  return InputError("cannot choose cores: this operating system does not let a program choose");
#endif
}

}  // namespace edgewright
