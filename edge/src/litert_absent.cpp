// In place of litert_model.cpp: a static program cannot open libraries.
#include "edgewright/litert_model.h"

namespace edgewright {
namespace {

constexpr const char* kAbsent = "LiteRT: not in this build, which is static; docs/devices.md tells how to make another";

}  // namespace

Result<std::unique_ptr<Network>> LoadLiteRt(Bytes /*flatbuffer*/, const Manifest& /*manifest*/, int /*num_threads*/,
                                            const std::string& /*library*/) {
  return InputError(kAbsent);
}

Result<std::string> FindLiteRt(const std::string& /*library*/) { return InputError(kAbsent); }

}  // namespace edgewright
