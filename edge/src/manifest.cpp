#include "edgewright/manifest.h"

#include <algorithm>
#include <cfloat>
#include <nlohmann/json.hpp>
#include <set>

#include "decode_fields.h"
#include "json_fields.h"

namespace edgewright {
namespace {

using nlohmann::json;

constexpr Length kName{1, 200};
constexpr std::int64_t kMaxFileBytes = std::int64_t{4} << 30;
constexpr std::int64_t kMaxSide = 8192;
constexpr double kMaxFloat32 = 3.4e38;

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
  fields.ForEach(key, {3, 3}, [&](const json& value, const std::string& where) {
    channels[next++] = static_cast<float>(CheckedNumber(value, where, -kMaxFloat32, kMaxFloat32, problem));
  });
}

// Given for letterbox, null or absent for stretch, which leaves nothing to pad.
int ReadPadding(JsonFields& fields, ResizeRule resize, Problem* problem) {
  const json& value = fields.ObjectOrNull("padding");
  if ((resize == ResizeRule::kLetterbox) == value.is_null()) {
    problem->Report(fields.Path("padding"), "must be given for letterbox, and only for it");
  }
  return value.is_null() ? 0 : static_cast<int>(CheckedInteger(value, fields.Path("padding"), 0, 255, problem));
}

Preprocess ReadPreprocess(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Preprocess preprocess;
  preprocess.width = static_cast<int>(fields.Integer("width", 1, kMaxSide));
  preprocess.height = static_cast<int>(fields.Integer("height", 1, kMaxSide));
  preprocess.colour_order =
      fields.Choice<ColourOrder>("colour_order", {{"bgr", ColourOrder::kBgr}, {"rgb", ColourOrder::kRgb}});
  preprocess.resize =
      fields.Choice<ResizeRule>("resize", {{"stretch", ResizeRule::kStretch}, {"letterbox", ResizeRule::kLetterbox}});
  preprocess.padding = ReadPadding(fields, preprocess.resize, problem);
  fields.Choice<int>("interpolation", {{"linear", 0}});
  ReadChannels(fields, "mean", preprocess.mean, problem);
  ReadChannels(fields, "scale", preprocess.scale, problem);
  return preprocess;
}

Layout ReadLayout(JsonFields& fields) {
  return fields.Choice<Layout>("layout", {{"nchw", Layout::kNchw}, {"nhwc", Layout::kNhwc}});
}

std::optional<Steps> ReadSteps(JsonFields& fields, Problem* problem) {
  const json& value = fields.ObjectOrNull("steps");
  if (value.is_null()) return std::nullopt;
  JsonFields given(value, fields.Path("steps"), problem);
  Steps steps;
  steps.scale = given.Number("scale", DBL_MIN, DBL_MAX);
  steps.zero_point = static_cast<int>(given.Integer("zero_point", -128, 127));
  return steps;
}

ModelInput ReadInput(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  ModelInput input;
  input.name = fields.Text("name", kName);
  input.kind = fields.Choice<InputKind>("kind", {{"tensor", InputKind::kTensor}, {"image", InputKind::kImage}});
  input.layout = ReadLayout(fields);
  input.steps = ReadSteps(fields, problem);
  input.preprocess = ReadPreprocess(fields.Object("preprocess"), fields.Path("preprocess"), problem);
  return input;
}

void CheckNames(const std::vector<ModelOutput>& outputs, Problem* problem) {
  std::set<std::string> names;
  for (const ModelOutput& output : outputs) {
    if (!names.insert(output.name).second) problem->Report("outputs", output.name + " is listed twice");
  }
}

ModelOutput ReadOutput(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  ModelOutput output;
  output.name = fields.Text("name", kName);
  output.layout = ReadLayout(fields);
  output.steps = ReadSteps(fields, problem);
  int* const sides[3] = {&output.channels, &output.height, &output.width};
  std::size_t next = 0;
  fields.ForEach("shape", {3, 3}, [&](const json& side, const std::string& path) {
    *sides[next++] = static_cast<int>(CheckedInteger(side, path, 1, 65536, problem));
  });
  return output;
}

Golden ReadGolden(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  Golden golden;
  fields.ForEach("cases", {1, 64}, [&](const json& name, const std::string& path) {
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
  fields.NumberOrAbsent("budget", 0, 1);
  fields.NumberOrAbsent("loss_low", -1, 1);
  fields.NumberOrAbsent("loss_high", -1, 1);
}

void CheckQuantisation(const json& value, const std::string& where, Problem* problem) {
  JsonFields fields(value, where, problem);
  fields.TextOrNull("method", kName);
  if (fields.TextOrNull("calibration_sha256", {})) ReadSha256(fields, "calibration_sha256", problem);
  ReadSha256(fields, "plan_sha256", problem);
  fields.Integer("num_layers", 0, INT64_MAX);
  fields.ForEach("float_layers", {0, 65536},
                 [&](const json& name, const std::string& path) { CheckedText(name, path, kName, problem); });
  fields.Number("float_cosine", -1, 1);
}

// Null or absent for float packs, and only for them.
void ReadQuantisation(JsonFields& fields, const Manifest& manifest, Problem* problem) {
  const bool in_float = manifest.precision == "fp32" || manifest.precision == "fp16";
  const json& value = fields.ObjectOrNull("quantisation");
  if (in_float != value.is_null()) {
    problem->Report("quantisation", "must be null for fp32 and fp16, and given for every other precision");
  }
  if (!value.is_null()) CheckQuantisation(value, "quantisation", problem);
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
  if (!fields.Has("rewrites")) return;
  fields.ForEach("rewrites", {0, 64},
                 [&](const json& name, const std::string& path) { CheckedText(name, path, kName, problem); });
}

// What the golden cases are compared by.
void CheckTask(const Manifest& manifest, Problem* problem) {
  const Tolerance& tolerance = manifest.golden.tolerance;
  if (std::holds_alternative<DetectDecode>(manifest.decode) && !tolerance.min_iou) {
    problem->Report("golden.tolerance.min_iou", "a detector needs one");
  }
  if (std::holds_alternative<SegmentDecode>(manifest.decode) && !tolerance.min_agreement) {
    problem->Report("golden.tolerance.min_agreement", "a segmenter needs one");
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
  const bool codes = std::any_of(manifest.outputs.begin(), manifest.outputs.end(),
                                 [](const ModelOutput& output) { return output.steps.has_value(); });
  if (manifest.target != "tflite" && (manifest.input.steps || codes)) {
    problem->Report("input.steps, outputs.steps", "only a tflite pack has codes at its ends");
  }
  CheckTask(manifest, problem);
}

Manifest ReadManifest(const json& document, Problem* problem) {
  JsonFields fields(document, "", problem);
  Manifest manifest;
  fields.Integer("format_version", kFormatVersion, kFormatVersion);
  manifest.model = fields.Text("model", kName);
  const std::string task =
      fields.Choice<const char*>("task", {{"detect", "detect"}, {"classify", "classify"}, {"segment", "segment"}});
  manifest.target = fields.Choice<const char*>(
      "target", {{"onnx", "onnx"}, {"ncnn", "ncnn"}, {"tflite", "tflite"}, {"coreml", "coreml"}});
  manifest.precision = fields.Choice<const char*>("precision", {{"fp32", "fp32"},
                                                                {"fp16", "fp16"},
                                                                {"int8", "int8"},
                                                                {"mixed", "mixed"},
                                                                {"w8", "w8"},
                                                                {"palette8", "palette8"},
                                                                {"palette6", "palette6"},
                                                                {"palette4", "palette4"}});
  fields.Integer("num_parameters", 1, INT64_MAX);
  manifest.entry = fields.Text("entry", kName);
  fields.ForEach("files", {1, 4096}, [&](const json& value, const std::string& where) {
    manifest.files.push_back(ReadFileEntry(value, where, problem));
  });
  manifest.input = ReadInput(fields.Object("input"), "input", problem);
  fields.ForEach("outputs", {1, 64}, [&](const json& value, const std::string& where) {
    manifest.outputs.push_back(ReadOutput(value, where, problem));
  });
  CheckNames(manifest.outputs, problem);
  fields.ForEach("labels", {1, 65536}, [&](const json& value, const std::string& where) {
    manifest.labels.push_back(CheckedText(value, where, {}, problem));
  });
  manifest.decode = ReadDecode(fields.Object("decode"), "decode", manifest, problem);
  if (TaskName(manifest.decode) != task) problem->Report("decode.kind", "does not belong to the task " + task);
  manifest.golden = ReadGolden(fields.Object("golden"), "golden", problem);
  CheckAccuracy(fields.Object("accuracy"), "accuracy", problem);
  ReadQuantisation(fields, manifest, problem);
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
  const json document = ParseJson(text.data(), text.data() + text.size());
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
