#include "thread_times.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "temporary_folder.h"

using edgebench::ReadThreadTimes;
using edgebench::ThreadShare;
using edgebench::ThreadWatch;

TEST_CASE("times are read from the kernel's files, whatever a thread calls itself") {
  const TemporaryFolder tasks;
  tasks.Write("12/stat",
              "12 (a) b) R 1 1 1 0 -1 0 0 0 0 0 7 5 0 0 20 0 1 0 100 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 3 0 0 0 0 0\n");
  CHECK(ReadThreadTimes(tasks.path()).at(12).cpu_ms == doctest::Approx(120));
  CHECK(ReadThreadTimes(tasks.path()).at(12).core == 3);
  tasks.Write("12/schedstat", "123456789 5000000 17\n");
  CHECK(ReadThreadTimes(tasks.path()).at(12).cpu_ms == doctest::Approx(123.456789));
  CHECK(ReadThreadTimes(tasks.path()).at(12).waited_ms == doctest::Approx(5));
}

TEST_CASE("no files, no threads") {
  const TemporaryFolder tasks;
  CHECK(ReadThreadTimes(tasks.path()).empty());
  CHECK(ReadThreadTimes(tasks.path() / "none").empty());
}

TEST_CASE("a thread that computes is seen, one that sleeps is not") {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed_ms = [&] {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  std::atomic<bool> done{false};
  ThreadWatch watch;
  std::thread sleeper([&] {
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  std::atomic<unsigned> work{0};
  std::thread worker([&] {
    while (!done) ++work;
  });
  while (elapsed_ms() < 300) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  watch.Look();
  const std::vector<ThreadShare> shares = watch.Shares(elapsed_ms());
  done = true;
  sleeper.join();
  worker.join();
  REQUIRE_FALSE(shares.empty());
  CHECK(shares.front().cpu + shares.front().waited > 0.5);  // it wanted a core all the time, and had one, or waited
  CHECK_FALSE(shares.front().cores.empty());
  for (std::size_t i = 1; i < shares.size(); ++i) CHECK(shares[i].cpu < 0.25);
}
