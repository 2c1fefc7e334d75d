#include <cmath>
#include <cstdio>
#include <string>

#include "commands.h"
#include "edgewright/device.h"
#include "read_jpeg.h"
#include "report.h"

namespace edgebench {
namespace {

void PrintLine(const char* name, const std::string& value) {
  std::printf("%-16s %s\n", name, value.empty() ? "unknown" : value.c_str());
}

}  // namespace

int Info(bool as_json) {
  if (as_json) {
    const nlohmann::ordered_json document = {
        {"device", DeviceJson()}, {"runtime", RuntimeText()}, {"jpeg", JpegDecoder()}, {"compiler", __VERSION__}};
    std::printf("%s\n", document.dump(2).c_str());
    return 0;
  }
  const edgewright::DeviceInfo device = edgewright::ProbeDevice();
  std::string features;
  for (const std::string& feature : device.cpu_features) features += (features.empty() ? "" : " ") + feature;
  PrintLine("cpu", device.cpu_model);
  PrintLine("architecture", device.architecture);
  PrintLine("cores", std::to_string(device.num_cores));
  PrintLine("features", features);
  PrintLine("governor", device.governor);
  PrintLine("frequency", device.frequency_mhz > 0 ? std::to_string(std::lround(device.frequency_mhz)) + " MHz" : "");
  PrintLine("fp16 arithmetic", std::string(device.fp16_arithmetic_compiled ? "compiled" : "not compiled") + ", " +
                                   (device.fp16_arithmetic_available ? "the CPU has it" : "the CPU does not have it"));
  PrintLine("runtime", RuntimeText());
  PrintLine("jpeg", JpegDecoder());
  PrintLine("compiler", __VERSION__);
  return 0;
}

}  // namespace edgebench
