// What may slow a machine down without a program noticing: its clock, its temperature, its power supply, its host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace edgebench {

struct MachineState {                           // nullopt: the machine does not tell
  std::string governor;                         // of the first of the cores asked for; empty: not told
  std::vector<std::optional<double>> core_mhz;  // now, of each of them
  std::optional<double> temperature_c;          // of the hottest zone
  // Raspberry Pi's `get_throttled`: bit 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit; the
  // same from bit 16 for "has happened since boot".
  std::optional<std::uint32_t> throttled;
  std::optional<double> stolen_ms;  // since boot: what the host of a virtual machine gave to others, of these cores
};

// `root` stands for / in tests.
[[nodiscard]] MachineState ReadMachineState(const std::vector<int>& cores, const std::filesystem::path& root = "/");

// What bits 0..3 of `throttled` say, in words: "under-voltage, throttled"; empty: nothing now.
[[nodiscard]] std::string ThrottleText(std::uint32_t throttled);

}  // namespace edgebench
