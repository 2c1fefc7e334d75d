// Images from files that are not trusted: bounded, and either whole or an error.
#pragma once

#include <filesystem>

#include "edgewright/image.h"
#include "edgewright/result.h"

namespace edgebench {

// BGR, pixels as stored: an EXIF rotation is not applied, as in edgewright_train's `read_image`.  JPEG (through
// libjpeg-turbo) and PNG (through stb_image), with the pixels OpenCV gives.
[[nodiscard]] edgewright::Result<edgewright::Image> ReadImage(const std::filesystem::path& path);

}  // namespace edgebench
