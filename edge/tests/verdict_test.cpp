#include "verdict.h"

#include <doctest/doctest.h>

using edgebench::FindProblems;
using edgebench::MachineState;
using edgebench::Measurement;
using edgebench::Replicate;
using edgebench::RunTimes;

namespace {

// Quiet: 600 runs of 1 + 8 + 0.5 ms on the cores it was put on.
Replicate QuietReplicate(const std::vector<int>& cores, double scale = 1) {
  Replicate replicate;
  replicate.warm = true;
  replicate.warm_up_runs = 40;
  replicate.runs.assign(600, RunTimes{1 * scale, 8 * scale, 0.5 * scale});
  replicate.wall_ms = 5700 * scale;
  replicate.other_clock_ms = replicate.wall_ms;
  for (const int core : cores) replicate.threads.push_back({0.97, 0.001, {core}});
  MachineState state;
  for (std::size_t i = 0; i < cores.size(); ++i) state.core_mhz.emplace_back(2400.0);
  state.stolen_ms = 100;
  state.throttled = 0x50000;
  replicate.states = {state, state};
  return replicate;
}

Measurement Quiet(const std::vector<int>& cores = {3}) {
  Measurement measurement;
  measurement.num_threads = static_cast<int>(cores.size());
  measurement.cores = cores;
  measurement.replicates = {QuietReplicate(cores), QuietReplicate(cores, 1.01), QuietReplicate(cores, 0.99)};
  return measurement;
}

std::string OnlyProblem(const Measurement& measurement) {
  const std::vector<std::string> problems = FindProblems(measurement);
  REQUIRE(problems.size() == 1);
  return problems.front();
}

}  // namespace

TEST_CASE("a quiet measurement has no problems, on one core and on four") {
  CHECK(FindProblems(Quiet()).empty());
  CHECK(FindProblems(Quiet({4, 5, 6, 7})).empty());
}

TEST_CASE("replicates that disagree by more than 5 % are refused") {
  Measurement measurement = Quiet();
  measurement.replicates[1] = QuietReplicate({3}, 1.07);
  const std::vector<std::string> problems = FindProblems(measurement);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0] == "the replicates' medians of inference are 8.0 % apart (limit 5.0 %)");
}

TEST_CASE("four threads asked for and one busy is refused") {
  Measurement measurement = Quiet({4, 5, 6, 7});
  for (Replicate& replicate : measurement.replicates) replicate.threads.resize(1);
  CHECK(OnlyProblem(measurement) == "asked for 4 threads, 1 was busy");
}

TEST_CASE("one thread asked for and two busy is refused") {
  Measurement measurement = Quiet();
  measurement.replicates[2].threads.push_back({0.9, 0, {3}});
  CHECK(OnlyProblem(measurement) == "asked for 1 thread, 2 were busy");
}

TEST_CASE("threads that had to share a core are refused") {
  Measurement measurement = Quiet({0, 1});
  for (Replicate& replicate : measurement.replicates) replicate.threads[1].cores = {0};
  CHECK(OnlyProblem(measurement) == "2 threads shared 1 core");
}

TEST_CASE("a thread on a core that was not asked for is refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].threads[0].cores = {3, 5};
  CHECK(OnlyProblem(measurement) == "a thread left the cores it was put on");
}

TEST_CASE("another program on the same core is noticed by the time spent waiting for it") {
  Measurement measurement = Quiet();
  measurement.replicates[1].threads[0].waited = 0.3;
  CHECK(OnlyProblem(measurement) == "a thread waited 30.0 % of the time for a core that others used (limit 2.0 %)");
}

TEST_CASE("time that a virtual machine's host took is refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].states[1].stolen_ms = 100 + 0.1 * 5700;
  CHECK(OnlyProblem(measurement) == "the host of this virtual machine took 10.0 % of the time (limit 2.0 %)");
}

TEST_CASE("too few runs, and too short a time, are refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].runs.resize(49);
  CHECK(OnlyProblem(measurement) == "49 runs in 5.7 s were measured; at least 50 and 5 s are needed");
  measurement = Quiet();
  measurement.replicates[0].wall_ms = measurement.replicates[0].other_clock_ms = 4000;
  CHECK(FindProblems(measurement).size() == 1);
  measurement = Quiet();
  measurement.replicates.pop_back();
  CHECK(OnlyProblem(measurement) == "2 replicates; 3 are needed");
}

TEST_CASE("times that still drifted after the warm-up are refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].warm = false;
  CHECK(OnlyProblem(measurement) == "after 40 runs of warm-up times still drifted");
}

TEST_CASE("throttling and changes of frequency are refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].states[1].throttled = 0x50004;
  CHECK(OnlyProblem(measurement) == "the machine slowed itself down: throttled");
  measurement = Quiet();
  measurement.replicates[0].states[1].core_mhz[0] = 1500;
  CHECK(OnlyProblem(measurement) == "core 3 went from 2400 MHz to 1500 MHz; set its governor to performance");
}

TEST_CASE("a clock that jumps is refused") {
  Measurement measurement = Quiet();
  measurement.replicates[0].other_clock_ms = 9000;
  CHECK(OnlyProblem(measurement) == "two clocks differ by 57.9 % (limit 1.0 %)");
  measurement = Quiet();
  measurement.replicates[0].runs[7] = {1, -2, 0.5};
  CHECK(OnlyProblem(measurement) == "the clock went backwards");
}

TEST_CASE("a machine that tells nothing about its threads cannot be believed, one without frequencies can") {
  Measurement measurement = Quiet();
  for (Replicate& replicate : measurement.replicates) {
    replicate.states = {MachineState{}, MachineState{}};
  }
  CHECK(FindProblems(measurement).empty());
  for (Replicate& replicate : measurement.replicates) replicate.threads.clear();
  CHECK(OnlyProblem(measurement) == "the operating system does not tell what the threads did");
}

TEST_CASE("a replicate survives being written and read") {
  const Replicate replicate = QuietReplicate({3});
  const Replicate read = edgebench::ParseReplicate(ReplicateJson(replicate).dump());
  CHECK(ReplicateJson(read) == ReplicateJson(replicate));
}
