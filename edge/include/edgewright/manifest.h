// manifest.json of a pack, format 1 (docs/pack.md).  `ParseManifest` holds the file to the same rules as
// edgewright_export/manifest.py: unknown keys, wrong types, values out of range and parts that do not fit are errors
// that name the field.
//
//   const Result<Manifest> manifest = ParseManifest(text);
//   if (!manifest.ok()) return Report(manifest.error());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgewright/decode.h"
#include "edgewright/result.h"

namespace edgewright {

inline constexpr int kFormatVersion = 1;

enum class ColourOrder { kBgr, kRgb };
enum class ResizeRule { kStretch, kLetterbox };
enum class Layout { kNchw, kNhwc };
enum class InputKind { kTensor, kImage };

struct FileEntry {
  std::string path;  // relative to the pack, forward slashes
  std::uint64_t size_bytes = 0;
  std::string sha256;
};

// x = (pixel - mean) * scale per channel in `colour_order`, after resizing to width x height.
struct Preprocess {
  int width = 0;
  int height = 0;
  ColourOrder colour_order = ColourOrder::kBgr;
  ResizeRule resize = ResizeRule::kStretch;
  int padding = 0;  // 0..255: the pixels that a letterboxed image leaves
  float mean[3] = {};
  float scale[3] = {};
};

// Of int8 codes: real = scale * (code - zero_point).
struct Steps {
  double scale = 1;
  int zero_point = 0;
};

struct ModelInput {
  std::string name;
  InputKind kind = InputKind::kTensor;
  Layout layout = Layout::kNchw;
  Preprocess preprocess;
  std::optional<Steps> steps;  // of an int8 tensor (tflite)
};

struct ModelOutput {
  std::string name;
  Layout layout = Layout::kNchw;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::optional<Steps> steps;
};

// How far a run may be from the golden vectors; an absent limit does not apply.
struct Tolerance {
  std::optional<double> max_error;  // of an output, as a fraction of the reference's largest value where that exceeds 1
  std::optional<double> min_cosine;
  double max_score_diff = 0;
  std::optional<double> min_iou;        // of detections; a detector has it
  std::optional<double> min_agreement;  // of an image's pixels; a segmenter has it
};

struct Golden {
  std::vector<std::string> cases;
  Tolerance tolerance;
};

struct Manifest {
  std::string model;
  std::string target;
  std::string precision;  // "fp32", "fp16", "int8" ...
  std::string entry;
  std::vector<FileEntry> files;
  ModelInput input;
  std::vector<ModelOutput> outputs;
  Decode decode;
  std::vector<std::string> labels;
  Golden golden;
};

[[nodiscard]] Result<Manifest> ParseManifest(std::string_view json);

}  // namespace edgewright
