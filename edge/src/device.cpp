#include "edgewright/device.h"

#include <cpu.h>
#include <platform.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "edgewright/file.h"

namespace edgewright {
namespace {

constexpr std::uint64_t kMaxProbeBytes = std::uint64_t{1} << 20;

// A file the kernel may or may not offer; empty when it does not.
std::string ReadText(const char* path) {
  const Result<Bytes> bytes = ReadFile(path, kMaxProbeBytes);
  return bytes.ok() ? std::string(bytes.value().begin(), bytes.value().end()) : std::string();
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// The value behind the first "key ...: value" line that has one.
std::string FindField(const std::string& text, const std::string& key) {
  const std::size_t start = text.find(key);
  if (start == std::string::npos) return {};
  const std::string line = FirstLine(text.substr(start));
  const std::size_t colon = line.find(": ");
  return colon == std::string::npos ? std::string() : line.substr(colon + 2);
}

std::string CpuModel(const std::string& cpuinfo) {
  const std::string board = ReadText("/proc/device-tree/model");  // "Raspberry Pi 5 Model B Rev 1.0", NUL at the end
  if (!board.empty()) return board.c_str();
  const std::string model = FindField(cpuinfo, "model name");
  return model.empty() ? FindField(cpuinfo, "Hardware") : model;
}

double FrequencyMhz(const std::string& cpuinfo) {
  const std::string khz = ReadText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
  if (!khz.empty()) return std::strtod(khz.c_str(), nullptr) / 1000;
  return std::strtod(FindField(cpuinfo, "cpu MHz").c_str(), nullptr);
}

const char* Architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#elif defined(__arm__)
  return "arm";
#else
  return "other";
#endif
}

struct Feature {
  const char* name;
  int (*is_supported)();
};
constexpr Feature kFeatures[] = {
    {"avx", ncnn::cpu_support_x86_avx},         {"fma", ncnn::cpu_support_x86_fma},
    {"f16c", ncnn::cpu_support_x86_f16c},       {"avx2", ncnn::cpu_support_x86_avx2},
    {"avx512", ncnn::cpu_support_x86_avx512},   {"avx512_vnni", ncnn::cpu_support_x86_avx512_vnni},
    {"neon", ncnn::cpu_support_arm_neon},       {"vfpv4", ncnn::cpu_support_arm_vfpv4},
    {"asimdhp", ncnn::cpu_support_arm_asimdhp}, {"asimddp", ncnn::cpu_support_arm_asimddp},
    {"i8mm", ncnn::cpu_support_arm_i8mm},       {"sve", ncnn::cpu_support_arm_sve},
};

}  // namespace

DeviceInfo ProbeDevice() {
  const std::string cpuinfo = ReadText("/proc/cpuinfo");
  DeviceInfo info;
  info.cpu_model = CpuModel(cpuinfo);
  info.architecture = Architecture();
  info.num_cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // respects the affinity mask
  for (const Feature& feature : kFeatures) {
    if (feature.is_supported() != 0) info.cpu_features.emplace_back(feature.name);
  }
  info.governor = FirstLine(ReadText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  info.frequency_mhz = FrequencyMhz(cpuinfo);
  // ncnn has half-precision kernels for ARMv8.2 only; elsewhere an fp16 pack is computed in fp32.
  info.fp16_arithmetic_compiled = NCNN_ARM82 != 0;
  info.fp16_arithmetic_available = ncnn::cpu_support_arm_asimdhp() != 0;
  return info;
}

}  // namespace edgewright
