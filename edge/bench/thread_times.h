// What the kernel says about the threads of this process: how long each computed, how long it had to wait for a core,
// and where it ran.  That is how a benchmark knows that four threads worked when four were asked for.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <vector>

namespace edgebench {

struct ThreadTime {
  double cpu_ms = 0;
  double waited_ms = 0;  // ready to run, but another process had the core; 0 where the kernel does not tell
  int core = -1;         // of its last instruction
};

// By thread id; empty where there is no /proc.
[[nodiscard]] std::map<int, ThreadTime> ReadThreadTimes(const std::filesystem::path& tasks = "/proc/self/task");

// One thread, between two points in time.
struct ThreadShare {
  double cpu = 0;     // of the wall time
  double waited = 0;  // of the wall time
  std::set<int> cores;
};

// Watches the threads of this process.  Reading takes about 50 microseconds: call `Look` outside of what is timed.
class ThreadWatch {
 public:
  ThreadWatch() : start_(ReadThreadTimes()) {}

  void Look();
  // Since construction, `wall_ms` ago; those that computed at all, the busiest first.
  [[nodiscard]] std::vector<ThreadShare> Shares(double wall_ms) const;

 private:
  std::map<int, ThreadTime> start_;
  std::map<int, ThreadTime> last_;
  std::map<int, std::set<int>> cores_;
};

}  // namespace edgebench
