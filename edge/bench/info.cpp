#include <cmath>
#include <cstdio>
#include <string>

#include "commands.h"
#include "edgewright/device.h"
#include "read_jpeg.h"
#include "report.h"
#include "runtime.h"

namespace edgebench {
namespace {

void PrintLine(const char* name, const std::string& value) {
  std::printf("%-16s %s\n", name, value.empty() ? "unknown" : value.c_str());
}

std::string LiteRtLine(const LiteRtInfo& litert) {
  return litert.path.empty() ? "none: " + litert.problem : litert.path + ", SHA-256 " + litert.sha256;
}

nlohmann::ordered_json LiteRtJson(const LiteRtInfo& litert) {
  if (litert.path.empty()) return nullptr;
  return {{"library", litert.path}, {"sha256", litert.sha256}};
}

}  // namespace

int Info(const InfoOptions& options) {
  const LiteRtInfo litert = FindLiteRtLibrary(options.runtime_library);
  if (litert.path.empty() && !options.runtime_library.empty()) return Fail(edgewright::InputError(litert.problem));
  if (options.as_json) {
    const nlohmann::ordered_json document = {{"device", DeviceJson()},
                                             {"runtime", NcnnText()},
                                             {"litert", LiteRtJson(litert)},
                                             {"jpeg", JpegDecoder()},
                                             {"compiler", __VERSION__}};
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
  PrintLine("runtime", NcnnText());
  PrintLine("litert", LiteRtLine(litert));
  PrintLine("jpeg", JpegDecoder());
  PrintLine("compiler", __VERSION__);
  return 0;
}

}  // namespace edgebench
