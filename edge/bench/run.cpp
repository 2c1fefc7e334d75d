#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "commands.h"
#include "edgewright/model.h"
#include "image_file.h"
#include "image_paths.h"
#include "label_files.h"
#include "prediction_report.h"
#include "report.h"

namespace edgebench {
namespace {

namespace fs = std::filesystem;
using edgewright::DetectDecode;
using edgewright::Done;
using edgewright::Image;
using edgewright::InputError;
using edgewright::LabelMap;
using edgewright::Manifest;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Prediction;
using edgewright::Result;
using edgewright::Status;
using nlohmann::ordered_json;

// Everything that can be wrong about the options is found before the first image.
struct Work {
  Model model;
  std::vector<fs::path> images;
  std::optional<LabelFiles> label_files;
};

Status CheckLabelOptions(const RunOptions& options, const edgewright::Decode& decode) {
  if (options.overlay && options.label_folder.empty()) {
    return InputError("--overlay needs --out, the folder to write to");
  }
  if (!options.label_folder.empty() && !std::holds_alternative<edgewright::SegmentDecode>(decode)) {
    return InputError("--out and --overlay are for segmenters, " + options.pack + " is for the task " +
                      edgewright::TaskName(decode));
  }
  return Done{};
}

Result<Work> Prepare(const RunOptions& options, const Pack& pack) {
  Result<std::vector<fs::path>> images = ListImages(options.images);
  if (!images.ok()) return images.error();
  Result<Model> model = Model::Load(pack, options.num_threads, options.runtime_library);
  if (!model.ok()) return model.error();
  if (options.score_threshold || options.iou_threshold) {
    const Status set = model.value().SetThresholds(options.score_threshold, options.iou_threshold);
    if (!set.ok()) return InputError(options.pack + ": " + set.error().message);
  }
  if (const Status fits = CheckLabelOptions(options, model.value().decode()); !fits.ok()) return fits.error();
  Work work{std::move(model.value()), std::move(images.value()), std::nullopt};
  if (options.label_folder.empty()) return work;
  Result<LabelFiles> files =
      LabelFiles::Prepare(options.label_folder, options.overlay, pack.manifest().labels.size(), work.images);
  if (!files.ok()) return files.error();
  work.label_files = std::move(files.value());
  return work;
}

// As it is to be found from the JSON file, so that the two can be moved together.
std::string PathFromJson(const fs::path& path, const RunOptions& options) {
  if (options.json_path.empty() || options.json_path == "-") return path.string();
  std::error_code error;
  const fs::path folder = fs::absolute(options.json_path, error).parent_path();
  const fs::path found = error ? path : fs::proximate(path, folder, error);
  return error ? fs::absolute(path, error).string() : found.string();
}

// The image's entry of the document; the text is printed unless JSON is wanted.
Result<ordered_json> RunImage(const fs::path& path, const RunOptions& options, const Manifest& manifest, Work* work) {
  const Result<Image> image = ReadImage(path);
  if (!image.ok()) return image.error();
  const Result<Prediction> prediction = work->model.Predict(image.value().view());
  if (!prediction.ok()) return prediction.error();
  const int width = image.value().width();
  const int height = image.value().height();
  ordered_json json = {{"file_name", path.filename().string()}, {"width", width}, {"height", height}};
  if (options.json_path.empty()) {
    std::printf("%s  %dx%d\n%s", path.string().c_str(), width, height,
                PredictionText(prediction.value(), manifest.labels).c_str());
  }
  if (work->label_files) {
    const Status written = work->label_files->Write(path, image.value(), std::get<LabelMap>(prediction.value()));
    if (!written.ok()) return written.error();
    json["label_map"] = PathFromJson(work->label_files->LabelPath(path), options);
  }
  json.update(PredictionJson(prediction.value(), manifest.labels));
  return json;
}

ordered_json Head(const Pack& pack, const edgewright::Decode& decode) {
  ordered_json head = {{"pack", PackJson(pack)}, {"task", edgewright::TaskName(decode)}};
  if (const auto* detect = std::get_if<DetectDecode>(&decode)) {
    head["score_threshold"] = detect->score_threshold;
    head["iou_threshold"] = detect->iou_threshold;
  } else {
    head["labels"] = pack.manifest().labels;
  }
  return head;
}

Status RunAll(const RunOptions& options) {
  if (const Status threads = CheckThreads(options.num_threads); !threads.ok()) return threads;
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return pack.error();
  Result<Work> work = Prepare(options, pack.value());
  if (!work.ok()) return work.error();
  ordered_json images = ordered_json::array();
  for (const fs::path& path : work.value().images) {
    Result<ordered_json> image = RunImage(path, options, pack.value().manifest(), &work.value());
    if (!image.ok()) return image.error();
    images.push_back(std::move(image.value()));
  }
  if (options.json_path.empty()) return Done{};
  ordered_json document = Head(pack.value(), work.value().model.decode());
  document["images"] = std::move(images);
  if (options.json_path != "-") return WriteJson(document, options.json_path);
  std::printf("%s", JsonText(document).c_str());
  return Done{};
}

}  // namespace

int Run(const RunOptions& options) {
  const Status done = RunAll(options);
  return done.ok() ? 0 : Fail(done.error());
}

}  // namespace edgebench
