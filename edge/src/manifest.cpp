#include "edgewright/manifest.h"

#include <algorithm>
#include <cfloat>
#include <nlohmann/json.hpp>
#include <set>

#include "json_fields.h"

namespace edgewright {
namespace {

using nlohmann::json;

constexpr Length kName{1, 200};
constexpr std::int64_t kMaxFileBytes = std::int64_t{4} << 30;
constexpr std::int64_t kMaxSide = 8192;
constexpr double kMaxFloat32 = 3.4e38;
constexpr double kMinPixels = 4.9406564584124654e-324;  // the smallest double above 0

// Calls `read(element, "path.index")` for each element of the list `key`.
template <typename Read>
void ForEach(JsonFields& fields, const char* key, Length length, const Read& read) {
  const json& list = fields.List(key, length);
  for (std::size_t i = 0; i < list.size(); ++i) read(list[i], fields.Path(key) + "." + std::to_string(i));
}

bool StaysInside(const std::string& path) {
  if (path.find_first_of(std::string("\\:\0", 3)) != std::string::npos) return false;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

std::string ReadSha256(JsonFields& fields, const char* key, Problem* problem) {
  std::string digest = fields.Text(key, {});
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    problem->Report(fields.Path(key), "must be 64 lower-case hex digits");
  }
  return digest;
}

FileEntry ReadFileEntry(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  FileEntry entry;
  entry.path = fields.Text("path", kName);
  if (!StaysInside(entry.path)) {
    problem->Report(fields.Path("path"), "must be a plain relative path inside the pack (got " + entry.path + ")");
  }
  entry.size_bytes = static_cast<std::uint64_t>(fields.Integer("size_bytes", 0, kMaxFileBytes));
  entry.sha256 = ReadSha256(fields, "sha256", problem);
  return entry;
}

void ReadChannels(JsonFields& fields, const char* key, float (&channels)[3], Problem* problem) {
  std::size_t next = 0;
  ForEach(fields, key, {3, 3}, [&](const json& value, const std::string& where) {
    channels[next++] = static_cast<float>(CheckedNumber(value, where, -kMaxFloat32, kMaxFloat32, problem));
  });
}

Preprocess ReadPreprocess(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Preprocess preprocess;
  preprocess.width = static_cast<int>(fields.Integer("width", 1, kMaxSide));
  preprocess.height = static_cast<int>(fields.Integer("height", 1, kMaxSide));
  preprocess.colour_order =
      fields.Choice<ColourOrder>("colour_order", {{"bgr", ColourOrder::kBgr}, {"rgb", ColourOrder::kRgb}});
  fields.Choice<int>("resize", {{"stretch", 0}});
  fields.Choice<int>("interpolation", {{"linear", 0}});
  ReadChannels(fields, "mean", preprocess.mean, problem);
  ReadChannels(fields, "scale", preprocess.scale, problem);
  return preprocess;
}

Layout ReadLayout(JsonFields& fields) {
  return fields.Choice<Layout>("layout", {{"nchw", Layout::kNchw}, {"nhwc", Layout::kNhwc}});
}

ModelInput ReadInput(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  ModelInput input;
  input.name = fields.Text("name", kName);
  input.kind = fields.Choice<InputKind>("kind", {{"tensor", InputKind::kTensor}, {"image", InputKind::kImage}});
  input.layout = ReadLayout(fields);
  input.preprocess = ReadPreprocess(fields.Object("preprocess"), fields.Path("preprocess"), problem);
  return input;
}

ModelOutput ReadOutput(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  ModelOutput output;
  output.name = fields.Text("name", kName);
  output.layout = ReadLayout(fields);
  int* const sides[3] = {&output.channels, &output.height, &output.width};
  std::size_t next = 0;
  ForEach(fields, "shape", {3, 3}, [&](const json& side, const std::string& path) {
    *sides[next++] = static_cast<int>(CheckedInteger(side, path, 1, 65536, problem));
  });
  return output;
}

Anchor ReadAnchor(const json& value, const std::string& where, Problem* problem) {
  if (!value.is_array() || value.size() != 2) {
    problem->Report(where, "must be [width, height]");
    return {};
  }
  const double width = CheckedNumber(value[0], where + ".0", kMinPixels, kMaxSide, problem);
  const double height = CheckedNumber(value[1], where + ".1", kMinPixels, kMaxSide, problem);
  return {static_cast<float>(width), static_cast<float>(height)};
}

Scale ReadScale(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Scale scale;
  scale.output = fields.Text("output", {});
  scale.stride = static_cast<int>(fields.Integer("stride", 1, 1024));
  ForEach(fields, "anchors_px", {1, 16}, [&](const json& anchor, const std::string& path) {
    scale.anchors.push_back(ReadAnchor(anchor, path, problem));
  });
  return scale;
}

Decode ReadDecode(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Decode decode;
  fields.Choice<int>("kind", {{"yolo-fastestv2", 0}});
  decode.score_threshold = static_cast<float>(fields.Number("score_threshold", 0, 1));
  decode.iou_threshold = static_cast<float>(fields.Number("iou_threshold", 0, 1));
  decode.max_detections = static_cast<int>(fields.Integer("max_detections", 1, 10000));
  ForEach(fields, "scales", {1, 8}, [&](const json& scale, const std::string& path) {
    decode.scales.push_back(ReadScale(scale, path, problem));
  });
  return decode;
}

Golden ReadGolden(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Golden golden;
  ForEach(fields, "cases", {1, 64}, [&](const json& name, const std::string& path) {
    golden.cases.push_back(CheckedText(name, path, kName, problem));
  });
  JsonFields limits(fields.Object("tolerance"), fields.Path("tolerance"), problem);
  golden.tolerance.max_error = limits.NumberOrNull("max_error", 0, DBL_MAX);
  golden.tolerance.min_cosine = limits.NumberOrNull("min_cosine", 0, 1);
  golden.tolerance.max_score_diff = limits.Number("max_score_diff", 0, 1);
  golden.tolerance.min_iou = limits.NumberOrAbsent("min_iou", 0, 1);
  golden.tolerance.min_agreement = limits.NumberOrAbsent("min_agreement", 0, 1);
  return golden;
}

// `accuracy` and `provenance` are for people and reports; a device only checks that they are well formed.
void CheckAccuracy(const json& value, const std::string& where, Problem* problem) {
  if (value.is_null()) return;
  JsonFields fields(value, where, problem);
  fields.Text("dataset", kName);
  ReadSha256(fields, "dataset_sha256", problem);
  fields.Integer("num_images", 1, INT64_MAX);
  fields.Choice<int>("metric", {{"AP50", 0}, {"top1", 0}, {"F1", 0}, {"mIoU", 0}});
  fields.Number("value", 0, 1);
  fields.Number("source_value", 0, 1);
  fields.NumberOrNull("score_threshold", 0, 1);
  fields.NumberOrNull("iou_threshold", 0, 1);
}

void CheckProvenance(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  ReadSha256(fields, "checkpoint_sha256", problem);
  fields.Text("origin", {});
  fields.Text("created_utc", {});
  const json& tools = fields.Object("tools");
  if (!tools.is_object()) problem->Report(fields.Path("tools"), "must be an object");
  for (const auto& [name, version] : tools.items()) {
    CheckedText(version, fields.Path("tools") + "." + name, {}, problem);
  }
}

void CheckScale(const Scale& scale, const Manifest& manifest, Problem* problem) {
  const auto is_it = [&](const ModelOutput& output) { return output.name == scale.output; };
  const auto output = std::find_if(manifest.outputs.begin(), manifest.outputs.end(), is_it);
  if (output == manifest.outputs.end()) {
    problem->Report("decode.scales", "output " + scale.output + " is not among the outputs");
    return;
  }
  const int channels = 5 * static_cast<int>(scale.anchors.size()) + static_cast<int>(manifest.labels.size());
  const int height = manifest.input.preprocess.height / scale.stride;
  const int width = manifest.input.preprocess.width / scale.stride;
  if (output->channels != channels || output->height != height || output->width != width) {
    problem->Report("outputs", scale.output + ": shape must be [" + std::to_string(channels) + ", " +
                                   std::to_string(height) + ", " + std::to_string(width) + "]");
  }
}

void CheckPartsFit(const Manifest& manifest, Problem* problem) {
  std::set<std::string> paths;
  for (const FileEntry& file : manifest.files) {
    if (!paths.insert(file.path).second) problem->Report("files", file.path + " is listed twice");
  }
  const std::string folder = manifest.entry + "/";
  const bool has_entry = std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
    return path == manifest.entry || path.compare(0, folder.size(), folder) == 0;
  });
  if (!has_entry) problem->Report("entry", manifest.entry + " is not among the files");
  for (const std::string& name : manifest.golden.cases) {
    if (paths.count(name) == 0) problem->Report("golden.cases", name + " is not among the files");
  }
  std::set<std::string> outputs;
  for (const ModelOutput& output : manifest.outputs) {
    if (!outputs.insert(output.name).second) problem->Report("outputs", output.name + " is listed twice");
  }
  for (const Scale& scale : manifest.decode.scales) CheckScale(scale, manifest, problem);
  if (!manifest.golden.tolerance.min_iou) problem->Report("golden.tolerance.min_iou", "a detector needs one");
}

Manifest ReadManifest(const json& document, Problem* problem) {
  JsonFields fields(document, "", problem);
  Manifest manifest;
  fields.Integer("format_version", kFormatVersion, kFormatVersion);
  manifest.model = fields.Text("model", kName);
  fields.Choice<int>("task", {{"detect", 0}});
  manifest.target = fields.Choice<const char*>(
      "target", {{"onnx", "onnx"}, {"ncnn", "ncnn"}, {"tflite", "tflite"}, {"coreml", "coreml"}});
  manifest.precision = fields.Choice<Precision>("precision", {{"fp32", Precision::kFp32}, {"fp16", Precision::kFp16}});
  fields.Integer("num_parameters", 1, INT64_MAX);
  manifest.entry = fields.Text("entry", kName);
  ForEach(fields, "files", {1, 4096}, [&](const json& value, const std::string& where) {
    manifest.files.push_back(ReadFileEntry(value, where, problem));
  });
  manifest.input = ReadInput(fields.Object("input"), "input", problem);
  ForEach(fields, "outputs", {1, 64}, [&](const json& value, const std::string& where) {
    manifest.outputs.push_back(ReadOutput(value, where, problem));
  });
  manifest.decode = ReadDecode(fields.Object("decode"), "decode", problem);
  ForEach(fields, "labels", {1, 65536}, [&](const json& value, const std::string& where) {
    manifest.labels.push_back(CheckedText(value, where, {}, problem));
  });
  manifest.golden = ReadGolden(fields.Object("golden"), "golden", problem);
  CheckAccuracy(fields.Object("accuracy"), "accuracy", problem);
  CheckProvenance(fields.Object("provenance"), "provenance", problem);
  CheckPartsFit(manifest, problem);
  return manifest;
}

bool IsNewer(const json& document) {
  if (!document.is_object()) return false;
  const auto version = document.find("format_version");
  return version != document.end() && version->is_number_integer() && *version > kFormatVersion;
}

}  // namespace

Result<Manifest> ParseManifest(std::string_view text) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return InputError("not JSON");
  if (IsNewer(document)) {
    return InputError("format_version: " + document["format_version"].dump() +
                      " is newer than this edgewright reads (" + std::to_string(kFormatVersion) + "); upgrade it");
  }
  Problem problem;
  Manifest manifest = ReadManifest(document, &problem);
  if (problem.first()) return InputError(*problem.first());
  return manifest;
}

}  // namespace edgewright
