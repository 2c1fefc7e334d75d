#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edgewright/detector.h"
#include "image_file.h"
#include "report.h"

namespace edgebench {
namespace {

namespace fs = std::filesystem;
using edgewright::Detection;
using edgewright::Detector;
using edgewright::Image;
using edgewright::InputError;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

constexpr std::array<const char*, 5> kExtensions = {".jpg", ".jpeg", ".JPG", ".JPEG", ".png"};

bool IsImage(const fs::path& path) {
  return std::find(kExtensions.begin(), kExtensions.end(), path.extension()) != kExtensions.end();
}

// Files as they were given, folders as the images in them, by name.
Result<std::vector<fs::path>> ListImages(const std::vector<std::string>& given) {
  std::vector<fs::path> images;
  for (const std::string& name : given) {
    if (!fs::is_directory(name)) {
      images.emplace_back(name);
      continue;
    }
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(name)) {
      if (IsImage(entry.path())) found.push_back(entry.path());
    }
    if (found.empty()) return InputError(name + ": a folder without images");
    std::sort(found.begin(), found.end());
    images.insert(images.end(), found.begin(), found.end());
  }
  return images;
}

ordered_json ImageJson(const fs::path& path, const Image& image, const std::vector<Detection>& detections,
                       const std::vector<std::string>& labels) {
  ordered_json json = {{"file_name", path.filename().string()}, {"width", image.width()}, {"height", image.height()}};
  for (const char* list : {"boxes_xyxy", "scores", "class_indices", "labels"}) json[list] = ordered_json::array();
  for (const Detection& d : detections) {
    json["boxes_xyxy"].push_back({d.box.x1, d.box.y1, d.box.x2, d.box.y2});
    json["scores"].push_back(d.score);
    json["class_indices"].push_back(d.class_index);
    json["labels"].push_back(labels[static_cast<std::size_t>(d.class_index)]);
  }
  return json;
}

Result<ordered_json> DetectAll(const std::vector<fs::path>& paths, const Pack& pack, Detector* detector) {
  ordered_json images = ordered_json::array();
  for (const fs::path& path : paths) {
    const Result<Image> image = ReadImage(path);
    if (!image.ok()) return image.error();
    const Result<std::vector<Detection>> detections = detector->Detect(image.value().view());
    if (!detections.ok()) return detections.error();
    images.push_back(ImageJson(path, image.value(), detections.value(), pack.manifest().labels));
  }
  return images;
}

}  // namespace

int Run(const RunOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<std::vector<fs::path>> paths = ListImages(options.images);
  if (!paths.ok()) return Fail(paths.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  Result<Detector> detector = Detector::Load(pack.value(), options.num_threads);
  if (!detector.ok()) return Fail(detector.error());
  const edgewright::Decode& defaults = pack.value().manifest().decode;
  const float score_threshold = options.score_threshold.value_or(defaults.score_threshold);
  const float iou_threshold = options.iou_threshold.value_or(defaults.iou_threshold);
  detector.value().SetThresholds(score_threshold, iou_threshold);

  const Result<ordered_json> images = DetectAll(paths.value(), pack.value(), &detector.value());
  if (!images.ok()) return Fail(images.error());
  const ordered_json document = {{"pack", PackJson(pack.value())},
                                 {"score_threshold", score_threshold},
                                 {"iou_threshold", iou_threshold},
                                 {"images", images.value()}};
  if (options.json_path.empty()) {
    std::printf("%s\n", document.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
    return 0;
  }
  const edgewright::Status written = WriteJson(document, options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
