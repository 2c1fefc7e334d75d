// The pictures that `edgebench run --out` leaves behind, one label map per image and, on request, one overlay.
#pragma once

#include <filesystem>
#include <vector>

#include "edgewright/image.h"
#include "edgewright/result.h"
#include "edgewright/segment.h"

namespace edgebench {

class LabelFiles {
 public:
  // Creates `folder`.  An error when two images would have the same label map, or one would take an image's place.
  [[nodiscard]] static edgewright::Result<LabelFiles> Prepare(std::filesystem::path folder, bool overlay,
                                                              std::size_t num_classes,
                                                              const std::vector<std::filesystem::path>& images);

  // `folder`/<stem>.png and, with overlays, `folder`/<stem>.overlay.png.
  [[nodiscard]] edgewright::Status Write(const std::filesystem::path& image_path, const edgewright::Image& image,
                                         const edgewright::LabelMap& map) const;

  [[nodiscard]] std::filesystem::path LabelPath(const std::filesystem::path& image_path) const;

 private:
  LabelFiles(std::filesystem::path folder, bool overlay, std::size_t num_classes);
  [[nodiscard]] std::filesystem::path OverlayPath(const std::filesystem::path& image_path) const;

  std::filesystem::path folder_;
  bool overlay_;
  std::size_t num_classes_;
};

}  // namespace edgebench
