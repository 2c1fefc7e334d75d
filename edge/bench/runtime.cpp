#include "runtime.h"

#include <cstdlib>

#include "edgewright/file.h"
#include "edgewright/litert_model.h"
#include "edgewright/ncnn_model.h"

namespace edgebench {
namespace {

constexpr std::size_t kShownDigits = 12;

}  // namespace

std::string LibraryFromEnvironment() {
  const char* given = std::getenv("EDGEWRIGHT_LITERT_LIBRARY");
  return given == nullptr ? std::string() : given;
}

std::string NcnnText() { return std::string("ncnn ") + edgewright::NcnnVersion(); }

LiteRtInfo FindLiteRtLibrary(const std::string& runtime_library) {
  const edgewright::Result<std::string> path = edgewright::FindLiteRt(runtime_library);
  if (!path.ok()) return {{}, {}, path.error().message};
  const edgewright::Result<std::string> digest = edgewright::DigestFile(path.value());
  return {path.value(), digest.ok() ? digest.value() : "", {}};
}

std::string RuntimeText(const edgewright::Pack& pack, const std::string& runtime_library) {
  if (pack.manifest().target != "tflite") return NcnnText();
  return "litert " + FindLiteRtLibrary(runtime_library).sha256.substr(0, kShownDigits);
}

}  // namespace edgebench
