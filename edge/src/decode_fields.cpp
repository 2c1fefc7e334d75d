#include "decode_fields.h"

#include <algorithm>
#include <optional>

namespace edgewright {
namespace {

using nlohmann::json;

constexpr double kMaxPixels = 8192;
constexpr double kAboveZero = 4.9406564584124654e-324;  // the smallest double that is

// Looks an output up and holds it against the shape that a kind of head needs.
class OutputFinder {
 public:
  OutputFinder(const Manifest& manifest, Problem* problem) : manifest_(manifest), problem_(problem) {}

  // nullopt in height and width: any.
  std::size_t Find(JsonFields& fields, std::int64_t channels, std::optional<int> height, std::optional<int> width) {
    const std::string name = fields.Text("output", {});
    const auto is_it = [&](const ModelOutput& output) { return output.name == name; };
    const auto output = std::find_if(manifest_.outputs.begin(), manifest_.outputs.end(), is_it);
    if (output == manifest_.outputs.end()) {
      problem_->Report(fields.Path("output"), name + " is not among the outputs");
      return 0;
    }
    if (output->channels != channels || output->height != height.value_or(output->height) ||
        output->width != width.value_or(output->width)) {
      const auto shown = [](std::optional<int> side) { return side ? std::to_string(*side) : std::string("any"); };
      problem_->Report("outputs", name + ": shape must be [" + std::to_string(channels) + ", " + shown(height) + ", " +
                                      shown(width) + "]");
    }
    return static_cast<std::size_t>(output - manifest_.outputs.begin());
  }

  [[nodiscard]] std::int64_t num_classes() const { return static_cast<std::int64_t>(manifest_.labels.size()); }
  [[nodiscard]] const Preprocess& input() const { return manifest_.input.preprocess; }

 private:
  const Manifest& manifest_;
  Problem* problem_;
};

WidthHeight ReadWidthHeight(const json& value, const std::string& where, double max, Problem* problem) {
  if (!value.is_array() || value.size() != 2) {
    problem->Report(where, "must be [width, height]");
    return {};
  }
  const double width = CheckedNumber(value[0], where + ".0", kAboveZero, max, problem);
  const double height = CheckedNumber(value[1], where + ".1", kAboveZero, max, problem);
  return {static_cast<float>(width), static_cast<float>(height)};
}

std::vector<WidthHeight> ReadWidthHeights(JsonFields& fields, const char* key, std::size_t most, double max,
                                          Problem* problem) {
  std::vector<WidthHeight> list;
  fields.ForEach(key, {1, most}, [&](const json& value, const std::string& where) {
    list.push_back(ReadWidthHeight(value, where, max, problem));
  });
  return list;
}

// Stride and anchors, which both kinds of YOLO have, and the output, whose channels `num_channels(anchors)` counts.
template <typename Scale, typename NumChannels>
Scale ReadGrid(JsonFields& fields, std::size_t most_anchors, const NumChannels& num_channels, OutputFinder* outputs,
               Problem* problem) {
  Scale scale;
  scale.stride = static_cast<int>(fields.Integer("stride", 1, 1024));
  scale.anchors_px = ReadWidthHeights(fields, "anchors_px", most_anchors, kMaxPixels, problem);
  const auto num_anchors = static_cast<std::int64_t>(scale.anchors_px.size());
  const Preprocess& input = outputs->input();
  scale.output =
      outputs->Find(fields, num_channels(num_anchors), input.height / scale.stride, input.width / scale.stride);
  return scale;
}

YoloFastestV2Head ReadYoloFastestV2(JsonFields& fields, OutputFinder* outputs, Problem* problem) {
  const auto num_channels = [&](std::int64_t anchors) { return 5 * anchors + outputs->num_classes(); };
  YoloFastestV2Head head;
  fields.ForEach("scales", {1, 8}, [&](const json& value, const std::string& where) {
    JsonFields scale(value, where, problem);
    head.scales.push_back(ReadGrid<YoloFastestV2Scale>(scale, 16, num_channels, outputs, problem));
  });
  return head;
}

YoloHead ReadYolo(JsonFields& fields, OutputFinder* outputs, Problem* problem) {
  const auto num_channels = [&](std::int64_t anchors) { return anchors * (5 + outputs->num_classes()); };
  YoloHead head;
  fields.ForEach("scales", {1, 8}, [&](const json& value, const std::string& where) {
    JsonFields scale(value, where, problem);
    head.scales.push_back(ReadGrid<YoloScale>(scale, 64, num_channels, outputs, problem));
    head.scales.back().scale_x_y = static_cast<float>(scale.Number("scale_x_y", 1, 4));
    head.scales.back().new_coords = scale.Flag("new_coords");
  });
  return head;
}

SsdHead ReadSsd(JsonFields& fields, const std::string& where, OutputFinder* outputs, Problem* problem) {
  const std::int64_t width = fields.Integer("width", 1, std::int64_t{8192});
  const std::int64_t height = fields.Integer("height", 1, std::int64_t{8192});
  if (width != outputs->input().width || height != outputs->input().height) {
    problem->Report(where, std::to_string(width) + "x" + std::to_string(height) + " is not the size of the input");
  }
  SsdHead head{{static_cast<float>(width), static_cast<float>(height)}, {}};
  fields.ForEach("scales", {1, 16}, [&](const json& value, const std::string& path) {
    JsonFields scale(value, path, problem);
    SsdScale read;
    read.stride = ReadWidthHeight(scale.Object("stride_wh"), scale.Path("stride_wh"), kMaxPixels, problem);
    read.priors = ReadWidthHeights(scale, "priors_wh", 64, 1, problem);
    const auto num_priors = static_cast<std::int64_t>(read.priors.size());
    read.output = outputs->Find(scale, num_priors * (4 + outputs->num_classes() + 1), {}, {});
    head.scales.push_back(std::move(read));
  });
  return head;
}

enum class Kind { kYoloFastestV2, kYolo, kSsd, kClassify, kSegment };

DetectDecode ReadDetect(Kind kind, JsonFields& fields, const std::string& where, OutputFinder* outputs,
                        Problem* problem) {
  DetectDecode decode;
  decode.score_threshold = static_cast<float>(fields.Number("score_threshold", 0, 1));
  decode.iou_threshold = static_cast<float>(fields.Number("iou_threshold", 0, 1));
  decode.max_detections = static_cast<int>(fields.Integer("max_detections", 1, 10000));
  if (kind == Kind::kYoloFastestV2) decode.head = ReadYoloFastestV2(fields, outputs, problem);
  if (kind == Kind::kYolo) decode.head = ReadYolo(fields, outputs, problem);
  if (kind == Kind::kSsd) decode.head = ReadSsd(fields, where, outputs, problem);
  return decode;
}

}  // namespace

Decode ReadDecode(const json& value, const std::string& where, const Manifest& manifest, Problem* problem) {
  JsonFields fields(value, where, problem);
  OutputFinder outputs(manifest, problem);
  const Kind kind = fields.Choice<Kind>("kind", {{"yolo-fastestv2", Kind::kYoloFastestV2},
                                                 {"yolo", Kind::kYolo},
                                                 {"ssd", Kind::kSsd},
                                                 {"classify", Kind::kClassify},
                                                 {"segment", Kind::kSegment}});
  if (kind == Kind::kClassify) {
    ClassifyDecode decode;
    decode.output = outputs.Find(fields, outputs.num_classes(), 1, 1);
    decode.activation = fields.Choice<ClassActivation>(
        "activation", {{"softmax", ClassActivation::kSoftmax}, {"sigmoid", ClassActivation::kSigmoid}});
    return decode;
  }
  if (kind == Kind::kSegment) return SegmentDecode{outputs.Find(fields, outputs.num_classes(), {}, {})};
  return ReadDetect(kind, fields, where, &outputs, problem);
}

}  // namespace edgewright
