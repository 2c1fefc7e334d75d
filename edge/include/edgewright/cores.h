// The cores of a machine as Linux describes them, and running on some of them.
//
//   const std::vector<int> fastest = FastestCores(FindCores(), 1);
//   if (const Status pinned = RunOnCores(fastest); !pinned.ok()) return Report(pinned.error());
//   ... threads that are started from here on stay on these cores, too
#pragma once

#include <filesystem>
#include <vector>

#include "edgewright/result.h"

namespace edgewright {

struct Core {
  int index = 0;       // as the operating system counts
  int capacity = 0;    // relative to the machine's largest core, which has 1024; 0: not told
  double max_mhz = 0;  // 0: not told
  int sibling = 0;     // 0 for the first hardware thread of a physical core, 1 for the second, ...
};

// Those that this process may use, by index.  Empty where nobody tells (outside of Linux and Android).
[[nodiscard]] std::vector<Core> FindCores(const std::filesystem::path& sysfs = "/sys");

// The indices of the `count` fastest, or of all if there are fewer: a physical core each as long as there are some, and
// of these the largest.
[[nodiscard]] std::vector<int> FastestCores(std::vector<Core> cores, std::size_t count);

// Cores of the same kind, fastest kind first: "big.LITTLE" gives two.
[[nodiscard]] std::vector<std::vector<Core>> Clusters(std::vector<Core> cores);

// Keeps the calling thread, and the threads it starts later, on these cores.
[[nodiscard]] Status RunOnCores(const std::vector<int>& indices);

}  // namespace edgewright
