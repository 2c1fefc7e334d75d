// What this program runs on, as far as the operating system tells.
#pragma once

#include <string>
#include <vector>

namespace edgewright {

struct DeviceInfo {
  std::string cpu_model;                  // empty: unknown
  std::string architecture;               // of this build: "x86_64", "aarch64", "arm", ...
  int num_cores = 1;                      // that this process may use
  std::vector<std::string> cpu_features;  // of those ncnn has kernels for
  std::string governor;                   // of core 0; empty: not told, as in most virtual machines
  double frequency_mhz = 0;               // of core 0 now; 0: not told
  // Half-precision arithmetic: whether this build has the kernels, and whether the CPU can run them.
  bool fp16_arithmetic_compiled = false;
  bool fp16_arithmetic_available = false;
};

[[nodiscard]] DeviceInfo ProbeDevice();

}  // namespace edgewright
