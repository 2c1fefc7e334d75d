#include "edgewright/cores.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "temporary_folder.h"

using edgewright::Clusters;
using edgewright::Core;
using edgewright::FastestCores;
using edgewright::FindCores;

namespace {

// As of a phone: four small cores, three middle ones, one large one.
std::vector<Core> PhoneCores() {
  return {{0, 250, 1800, 0}, {1, 250, 1800, 0}, {2, 250, 1800, 0}, {3, 250, 1800, 0},
          {4, 700, 2400, 0}, {5, 700, 2400, 0}, {6, 700, 2400, 0}, {7, 1024, 2900, 0}};
}

}  // namespace

TEST_CASE("one core is the largest, four are it and the middle ones") {
  CHECK(FastestCores(PhoneCores(), 1) == std::vector<int>{7});
  CHECK(FastestCores(PhoneCores(), 4) == std::vector<int>{7, 4, 5, 6});
}

TEST_CASE("without capacities the frequency decides, without either the order") {
  CHECK(FastestCores({{0, 0, 1200, 0}, {1, 0, 2000, 0}}, 1) == std::vector<int>{1});
  CHECK(FastestCores({{0, 0, 0, 0}, {1, 0, 0, 0}, {2, 0, 0, 0}}, 2) == std::vector<int>{0, 1});
}

TEST_CASE("the second hardware thread of a core comes after every other core") {
  const std::vector<Core> cores = {{0, 1024, 0, 0}, {1, 1024, 0, 1}, {2, 400, 0, 0}, {3, 400, 0, 0}};
  CHECK(FastestCores(cores, 3) == std::vector<int>{0, 2, 3});
  CHECK(FastestCores(cores, 9) == std::vector<int>{0, 2, 3, 1});
}

TEST_CASE("cores of the same kind are a cluster, the fastest first") {
  const auto clusters = Clusters(PhoneCores());
  REQUIRE(clusters.size() == 3);
  CHECK(clusters[0].size() == 1);
  CHECK(clusters[1].size() == 3);
  CHECK(clusters[2].front().index == 0);
}

TEST_CASE("this machine's cores are found, and threads can be put on each of them") {
  const std::vector<Core> cores = FindCores();
  REQUIRE_FALSE(cores.empty());
  std::vector<int> all;
  for (const Core& core : cores) {
    CHECK(edgewright::RunOnCores({core.index}).ok());
    CHECK(FindCores().size() == 1);
    all.push_back(core.index);
    REQUIRE(edgewright::RunOnCores(all).ok());
    // the kernel lets a process take back cores that it gave up itself
  }
  REQUIRE(edgewright::RunOnCores(all).ok());
  CHECK(FindCores().size() == cores.size());
}

TEST_CASE("what sysfs does not tell, or tells in nonsense, counts as not told") {
  const TemporaryFolder root;
  const std::string first = "devices/system/cpu/cpu" + std::to_string(FindCores().front().index);
  root.Write(first + "/cpu_capacity", "fast\n");
  const std::vector<Core> cores = FindCores(root.path());
  REQUIRE(cores.size() == FindCores().size());
  CHECK(std::all_of(cores.begin(), cores.end(),
                    [](const Core& core) { return core.capacity == 0 && core.max_mhz == 0 && core.sibling == 0; }));
  root.Write(first + "/cpu_capacity", "512\n");
  root.Write(first + "/cpufreq/cpuinfo_max_freq", "1800000\n");
  CHECK(FindCores(root.path()).front().capacity == 512);
  CHECK(FindCores(root.path()).front().max_mhz == 1800);
}

TEST_CASE("a core that is not there is an error") {
  CHECK_FALSE(edgewright::RunOnCores({100000}).ok());
  CHECK_FALSE(edgewright::RunOnCores({-1}).ok());
  CHECK_FALSE(edgewright::RunOnCores({}).ok());
}
