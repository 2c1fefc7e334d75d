#include "machine_state.h"

#include <doctest/doctest.h>

#include "temporary_folder.h"

using edgebench::MachineState;
using edgebench::ReadMachineState;
using edgebench::ThrottleText;

TEST_CASE("a Raspberry Pi's state is what its kernel says") {
  const TemporaryFolder root;
  const std::string cpus = "sys/devices/system/cpu/";
  root.Write(cpus + "cpu2/cpufreq/scaling_governor", "ondemand\n");
  root.Write(cpus + "cpu2/cpufreq/scaling_cur_freq", "1500000\n");
  root.Write(cpus + "cpu3/cpufreq/scaling_cur_freq", "2400000\n");
  root.Write("sys/class/thermal/thermal_zone0/temp", "61234\n");
  root.Write("sys/class/thermal/thermal_zone1/temp", "40000\n");
  root.Write("sys/class/thermal/cooling_device0/temp", "99000\n");
  root.Write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
  root.Write("proc/stat", "cpu 9 9 9 9 9 9 9 9 0 0\ncpu2 1 1 1 1 1 1 1 30 0 0\ncpu3 1 1 1 1 1 1 1 12 0 0\nintr 5\n");
  const MachineState state = ReadMachineState({2, 3}, root.path());
  CHECK(state.governor == "ondemand");
  REQUIRE(state.core_mhz.size() == 2);
  CHECK(state.core_mhz[0].value() == 1500);
  CHECK(state.core_mhz[1].value() == 2400);
  CHECK(state.temperature_c.value() == doctest::Approx(61.234));
  CHECK(state.throttled.value() == 0x50005);
  CHECK(state.stolen_ms.value() == doctest::Approx(420));  // of 100 ticks a second
}

TEST_CASE("what a machine does not tell, or tells in nonsense, is not made up") {
  const TemporaryFolder root;
  root.Write("sys/class/thermal/thermal_zone0/temp", "hot\n");
  root.Write("sys/devices/platform/soc/soc:firmware/get_throttled", "\n");
  const MachineState state = ReadMachineState({0}, root.path());
  CHECK(state.governor.empty());
  CHECK_FALSE(state.core_mhz.at(0).has_value());
  CHECK_FALSE(state.temperature_c.has_value());
  CHECK_FALSE(state.throttled.has_value());
  CHECK_FALSE(state.stolen_ms.has_value());
}

TEST_CASE("only what throttles now is named, not what has happened since boot") {
  CHECK(ThrottleText(0x50000).empty());
  CHECK(ThrottleText(0x50005) == "under-voltage, throttled");
}
