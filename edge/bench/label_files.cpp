#include "label_files.h"

#include <set>
#include <utility>

#include "label_picture.h"
#include "report.h"

namespace edgebench {
namespace {

namespace fs = std::filesystem;
using edgewright::Bytes;
using edgewright::Done;
using edgewright::Image;
using edgewright::InputError;
using edgewright::LabelMap;
using edgewright::Result;
using edgewright::Status;

Status WritePicture(const fs::path& path, const Result<Bytes>& png) {
  if (!png.ok()) return InputError(path.string() + ": " + png.error().message);
  return WriteFile(png.value().data(), png.value().size(), path.string());
}

bool IsSameFile(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

}  // namespace

LabelFiles::LabelFiles(fs::path folder, bool overlay, std::size_t num_classes)
    : folder_(std::move(folder)), overlay_(overlay), num_classes_(num_classes) {}

fs::path LabelFiles::LabelPath(const fs::path& image_path) const {
  return folder_ / (image_path.stem().string() + ".png");
}

fs::path LabelFiles::OverlayPath(const fs::path& image_path) const {
  return folder_ / (image_path.stem().string() + ".overlay.png");
}

Result<LabelFiles> LabelFiles::Prepare(fs::path folder, bool overlay, std::size_t num_classes,
                                       const std::vector<fs::path>& images) {
  LabelFiles files(std::move(folder), overlay, num_classes);
  std::error_code error;
  fs::create_directories(files.folder_, error);
  if (error) return InputError("--out " + files.folder_.string() + ": " + error.message());
  std::set<fs::path> targets;
  for (const fs::path& image : images) {
    if (!targets.insert(files.LabelPath(image)).second) {
      return InputError(files.LabelPath(image).string() + ": would be written for two images");
    }
  }
  for (const fs::path& image : images) {
    if (overlay && targets.count(files.OverlayPath(image)) != 0) {
      return InputError(files.OverlayPath(image).string() +
                        ": would be the overlay of one image, the labels of another");
    }
    const fs::path namesake = files.folder_ / image.filename();
    if (targets.count(namesake) != 0 && IsSameFile(namesake, image)) {
      return InputError(image.string() + ": would be overwritten; give --out a folder of its own");
    }
  }
  return files;
}

Status LabelFiles::Write(const fs::path& image_path, const Image& image, const LabelMap& map) const {
  if (const Status labels = WritePicture(LabelPath(image_path), LabelPicture(map, num_classes_)); !labels.ok()) {
    return labels;
  }
  return overlay_ ? WritePicture(OverlayPath(image_path), OverlayPicture(map, image)) : Done{};
}

}  // namespace edgebench
