#include "prediction_report.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace edgebench {
namespace {

using edgewright::Classification;
using edgewright::Detection;
using edgewright::Detections;
using edgewright::LabelMap;
using edgewright::Prediction;
using nlohmann::ordered_json;
using Labels = std::vector<std::string>;

constexpr std::size_t kNumBest = 5;

const std::string& LabelOf(const Labels& labels, int class_index) {
  return labels[static_cast<std::size_t>(class_index)];
}

ordered_json DetectionsJson(const Detections& detections, const Labels& labels) {
  ordered_json json;
  for (const char* list : {"boxes_xyxy", "scores", "class_indices", "labels"}) json[list] = ordered_json::array();
  for (const Detection& d : detections) {
    json["boxes_xyxy"].push_back({d.box.x1, d.box.y1, d.box.x2, d.box.y2});
    json["scores"].push_back(d.score);
    json["class_indices"].push_back(d.class_index);
    json["labels"].push_back(LabelOf(labels, d.class_index));
  }
  return json;
}

ordered_json ClassificationJson(const Classification& classification, const Labels& labels) {
  ordered_json best = ordered_json::array();
  for (const int index : classification.Top(kNumBest)) {
    best.push_back({{"class_index", index},
                    {"label", LabelOf(labels, index)},
                    {"probability", classification.probabilities[static_cast<std::size_t>(index)]}});
  }
  return {{"best", best}, {"probabilities", classification.probabilities}};
}

struct ClassCount {
  int class_index;
  std::size_t num_pixels;
};

// Largest first.
std::vector<ClassCount> CountClasses(const LabelMap& map, std::size_t num_classes) {
  std::vector<ClassCount> counts(num_classes);
  for (std::size_t i = 0; i < num_classes; ++i) counts[i].class_index = static_cast<int>(i);
  for (const std::uint16_t label : map.labels) ++counts[label].num_pixels;
  counts.erase(std::remove_if(counts.begin(), counts.end(), [](const ClassCount& c) { return c.num_pixels == 0; }),
               counts.end());
  std::stable_sort(counts.begin(), counts.end(),
                   [](const ClassCount& a, const ClassCount& b) { return a.num_pixels > b.num_pixels; });
  return counts;
}

ordered_json LabelMapJson(const LabelMap& map, const Labels& labels) {
  ordered_json classes = ordered_json::array();
  for (const ClassCount& count : CountClasses(map, labels.size())) {
    classes.push_back({{"class_index", count.class_index},
                       {"label", LabelOf(labels, count.class_index)},
                       {"num_pixels", count.num_pixels}});
  }
  return {{"classes", classes}};
}

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[120];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

std::string DetectionsText(const Detections& detections, const Labels& labels) {
  std::string text;
  for (const Detection& d : detections) {
    text += Format("  %.3f  [%7.1f, %7.1f, %7.1f, %7.1f]  ", double{d.score}, double{d.box.x1}, double{d.box.y1},
                   double{d.box.x2}, double{d.box.y2});
    text += LabelOf(labels, d.class_index) + "\n";
  }
  return text.empty() ? "  nothing found\n" : text;
}

std::string ClassificationText(const Classification& classification, const Labels& labels) {
  std::string text;
  for (const int index : classification.Top(kNumBest)) {
    text += Format("  %.4f  ", double{classification.probabilities[static_cast<std::size_t>(index)]});
    text += LabelOf(labels, index) + "\n";
  }
  return text;
}

std::string LabelMapText(const LabelMap& map, const Labels& labels) {
  std::string text;
  for (const ClassCount& count : CountClasses(map, labels.size())) {
    text +=
        Format("  %5.1f %%  ", 100.0 * static_cast<double>(count.num_pixels) / static_cast<double>(map.labels.size()));
    text += LabelOf(labels, count.class_index) + "\n";
  }
  return text;
}

}  // namespace

ordered_json PredictionJson(const Prediction& prediction, const Labels& labels) {
  if (const auto* detections = std::get_if<Detections>(&prediction)) return DetectionsJson(*detections, labels);
  if (const auto* classes = std::get_if<Classification>(&prediction)) return ClassificationJson(*classes, labels);
  return LabelMapJson(std::get<LabelMap>(prediction), labels);
}

std::string PredictionText(const Prediction& prediction, const Labels& labels) {
  if (const auto* detections = std::get_if<Detections>(&prediction)) return DetectionsText(*detections, labels);
  if (const auto* classes = std::get_if<Classification>(&prediction)) return ClassificationText(*classes, labels);
  return LabelMapText(std::get<LabelMap>(prediction), labels);
}

}  // namespace edgebench
