#include "edgewright/load_network.h"

#include <algorithm>
#include <utility>

#include "edgewright/litert_model.h"

namespace edgewright {
namespace {

constexpr const char* kParam = ".param";
constexpr const char* kTflite = ".tflite";

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Status CheckNcnn(const Manifest& manifest) {
  if (manifest.target != "ncnn") return InputError("target: must be ncnn here, not " + manifest.target);
  if (manifest.input.kind != InputKind::kTensor || manifest.input.layout != Layout::kNchw) {
    return InputError("input: ncnn takes a tensor in nchw layout");
  }
  if (!EndsWith(manifest.entry, kParam)) return InputError("entry: " + manifest.entry + " is not a .param");
  return Done{};
}

Status CheckTflite(const Manifest& manifest) {
  if (manifest.input.kind != InputKind::kTensor) return InputError("input: LiteRT takes a tensor");
  if (!EndsWith(manifest.entry, kTflite)) return InputError("entry: " + manifest.entry + " is not a .tflite");
  return Done{};
}

Error In(const Pack& pack, const Error& error) { return {error.kind, pack.folder().string() + ": " + error.message}; }

Result<std::unique_ptr<Network>> LoadTflite(const Pack& pack, int num_threads, const std::string& library) {
  if (const Status fits = CheckTflite(pack.manifest()); !fits.ok()) return In(pack, fits.error());
  if (const Result<std::string> found = FindLiteRt(library); !found.ok()) return found.error();
  Result<Bytes> flatbuffer = pack.Read(pack.manifest().entry);
  if (!flatbuffer.ok()) return flatbuffer.error();
  Result<std::unique_ptr<Network>> network =
      LoadLiteRt(std::move(flatbuffer.value()), pack.manifest(), num_threads, library);
  if (!network.ok()) return In(pack, network.error());
  return network;
}

}  // namespace

Result<NcnnModel> LoadNcnnModel(const Pack& pack, int num_threads) {
  const Manifest& manifest = pack.manifest();
  if (const Status fits = CheckNcnn(manifest); !fits.ok()) return In(pack, fits.error());
  const Result<Bytes> param = pack.Read(manifest.entry);
  if (!param.ok()) return param.error();
  const std::string stem = manifest.entry.substr(0, manifest.entry.size() - std::string(kParam).size());
  Result<Bytes> bin = pack.Read(stem + ".bin");
  if (!bin.ok()) return bin.error();

  NcnnOptions options;
  options.input = manifest.input.name;
  for (const ModelOutput& output : manifest.outputs) options.outputs.push_back(output.name);
  options.num_threads = num_threads;
  // Not for int8, mixed and w8, even where their weights are stored so: a value must not be rounded to half precision
  // before it becomes a code on one CPU, and not on another.
  options.half_precision = manifest.precision == "fp16";
  Result<NcnnModel> model = NcnnModel::Load(param.value(), std::move(bin.value()), std::move(options));
  if (!model.ok()) return In(pack, model.error());
  return model;
}

Result<std::unique_ptr<Network>> LoadNetwork(const Pack& pack, int num_threads, const std::string& litert_library) {
  const std::string& target = pack.manifest().target;
  if (target == "tflite") return LoadTflite(pack, num_threads, litert_library);
  if (target != "ncnn") return In(pack, InputError("target: the core runs ncnn and tflite, not " + target));
  Result<NcnnModel> model = LoadNcnnModel(pack, num_threads);
  if (!model.ok()) return model.error();
  return std::unique_ptr<Network>(std::make_unique<NcnnModel>(std::move(model.value())));
}

}  // namespace edgewright
