#include "bare_model.h"

#include <filesystem>
#include <utility>

#include "edgewright/file.h"

namespace edgebench {
namespace {

using edgewright::Bytes;
using edgewright::NcnnModel;
using edgewright::Result;

constexpr std::uint64_t kMaxModelBytes = std::uint64_t{1} << 30;

}  // namespace

Result<NcnnModel> LoadBareModel(const std::string& param, edgewright::NcnnOptions options) {
  if (options.input.empty() || options.outputs.empty()) {
    return edgewright::InputError(param + ": a bare .param needs --input and --outputs, the names of its blobs");
  }
  const std::filesystem::path path(param);
  const Result<Bytes> text = edgewright::ReadFile(path, kMaxModelBytes);
  if (!text.ok()) return text.error();
  Result<Bytes> bin = edgewright::ReadFile(std::filesystem::path(path).replace_extension(".bin"), kMaxModelBytes);
  if (!bin.ok()) return bin.error();
  Result<NcnnModel> model = NcnnModel::Load(text.value(), std::move(bin.value()), std::move(options));
  if (!model.ok()) return edgewright::Error{model.error().kind, param + ": " + model.error().message};
  return model;
}

}  // namespace edgebench
