#include "thread_times.h"

#if defined(__unix__)
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "kernel_file.h"

namespace edgebench {
namespace {

constexpr double kNanosecondsPerMs = 1e6;

double MsPerTick() {
#if defined(__unix__)
  return 1000.0 / static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK)));
#else
  return 10;
#endif
}

// 0 when it is none.
double ToNumber(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

// `stat` of proc(5): behind the name in parentheses, which may hold anything, the third field and those after it.
ThreadTime ParseStat(const std::string& stat) {
  constexpr std::size_t kFirst = 3;
  constexpr std::size_t kUserTicks = 14;
  constexpr std::size_t kSystemTicks = 15;
  constexpr std::size_t kCore = 39;
  ThreadTime time;
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return time;
  const std::vector<std::string> fields = SplitWords(stat.substr(name_end + 1));
  for (const std::size_t i : {kUserTicks, kSystemTicks}) {
    if (i - kFirst < fields.size()) time.cpu_ms += ToNumber(fields[i - kFirst]) * MsPerTick();
  }
  if (kCore - kFirst < fields.size()) time.core = static_cast<int>(ToNumber(fields[kCore - kFirst]));
  return time;
}

ThreadTime Read(const std::filesystem::path& task) {
  ThreadTime time = ParseStat(ReadKernelFile(task / "stat"));
  const std::vector<std::string> schedstat = SplitWords(ReadKernelFile(task / "schedstat"));
  if (schedstat.size() >= 2) {  // exact, where the kernel keeps it: nanoseconds computed, nanoseconds waited
    const double computed_ns = ToNumber(schedstat[0]);
    if (computed_ns > 0) time.cpu_ms = computed_ns / kNanosecondsPerMs;
    time.waited_ms = ToNumber(schedstat[1]) / kNanosecondsPerMs;
  }
  return time;
}

}  // namespace

std::map<int, ThreadTime> ReadThreadTimes(const std::filesystem::path& tasks) {
  std::map<int, ThreadTime> times;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(tasks, error), end; !error && entry != end; entry.increment(error)) {
    const int id = std::atoi(entry->path().filename().c_str());  // NOLINT(cert-err34-c): the kernel wrote it
    times.emplace(id, Read(entry->path()));
  }
  return times;
}

void ThreadWatch::Look() {
  last_ = ReadThreadTimes();
  for (const auto& [id, time] : last_) {
    const auto before = start_.find(id);
    if (before == start_.end() || time.cpu_ms > before->second.cpu_ms) cores_[id].insert(time.core);
  }
}

std::vector<ThreadShare> ThreadWatch::Shares(double wall_ms) const {
  std::vector<ThreadShare> shares;
  for (const auto& [id, time] : last_) {
    const auto found = start_.find(id);
    const ThreadTime before = found == start_.end() ? ThreadTime{} : found->second;
    const auto cores = cores_.find(id);
    if (time.cpu_ms <= before.cpu_ms || cores == cores_.end()) continue;
    shares.push_back(
        {(time.cpu_ms - before.cpu_ms) / wall_ms, (time.waited_ms - before.waited_ms) / wall_ms, cores->second});
  }
  std::sort(shares.begin(), shares.end(), [](const ThreadShare& a, const ThreadShare& b) { return a.cpu > b.cpu; });
  return shares;
}

}  // namespace edgebench
