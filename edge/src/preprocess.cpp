#include "edgewright/preprocess.h"

#include <algorithm>

#include "kernels.h"
#include "resize.h"

namespace edgewright {
namespace {

std::size_t Size(int count) { return static_cast<std::size_t>(count); }

}  // namespace

struct Preprocessor::Impl {
  Preprocess rule;
  const Kernels& kernels;
  bool is_normal;
  LinearResizer resizer;
  Image network_image;
  std::vector<float> planes;
  std::vector<std::uint8_t> row;  // of `Normalise`

  void Normalise(const std::uint8_t* pixels, std::size_t size, std::size_t channel, float* out) const {
    const auto normalise = is_normal ? kernels.normalise : ScalarKernels().normalise;
    normalise(pixels, size, rule.mean[channel], rule.scale[channel], out);
  }
  [[nodiscard]] std::size_t PlaneSize() const { return Size(rule.width) * Size(rule.height); }
  // Which channel of the source is channel c of the network.
  [[nodiscard]] std::size_t SourceChannel(std::size_t c) const {
    return resizer.is_rgb() == (rule.colour_order == ColourOrder::kRgb) ? c : 2 - c;
  }

  void FillPadding(const Placement& placed, float* first_plane, std::size_t plane_stride) const {
    const auto pixel = static_cast<std::uint8_t>(rule.padding);
    for (std::size_t c = 0; c < 3; ++c) {
      float value = 0;
      Normalise(&pixel, 1, c, &value);
      float* plane = first_plane + c * plane_stride;
      float* content = plane + Size(placed.top) * Size(rule.width);
      std::fill(plane, content, value);
      for (int y = 0; y < placed.height; ++y, content += rule.width) {
        std::fill(content, content + placed.left, value);
        std::fill(content + placed.left + placed.width, content + rule.width, value);
      }
      std::fill(content, plane + PlaneSize(), value);
    }
  }
};

Preprocessor::Preprocessor(const Preprocess& rule) : Preprocessor(rule, *AvailableKernels().back()) {}

Preprocessor::Preprocessor(const Preprocess& rule, const Kernels& kernels)
    : impl_(new Impl{rule, kernels,
                     IsNormal(rule.mean[0], rule.scale[0]) && IsNormal(rule.mean[1], rule.scale[1]) &&
                         IsNormal(rule.mean[2], rule.scale[2]),
                     LinearResizer(kernels), Image(rule.width, rule.height),
                     std::vector<float>(3 * Size(rule.width) * Size(rule.height)),
                     std::vector<std::uint8_t>(Size(rule.width))}) {}

Preprocessor::Preprocessor(Preprocessor&&) noexcept = default;
Preprocessor& Preprocessor::operator=(Preprocessor&&) noexcept = default;
Preprocessor::~Preprocessor() = default;

Placement Preprocessor::Place(const ImageView& source) const {
  return edgewright::Place(impl_->rule, source.upright_width(), source.upright_height());
}

const std::vector<float>& Preprocessor::Planes(const ImageView& source) {
  Planes(source, impl_->planes.data(), impl_->PlaneSize());
  return impl_->planes;
}

void Preprocessor::Planes(const ImageView& source, float* planes, std::size_t plane_stride) {
  const Placement placed = Place(source);
  LinearResizer& resizer = impl_->resizer;
  if (impl_->rule.resize == ResizeRule::kLetterbox) impl_->FillPadding(placed, planes, plane_stride);
  resizer.Begin(source, placed.width, placed.height);
  for (int y = 0; y < placed.height; ++y) {
    const std::uint8_t* row = resizer.Row(y);
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint8_t* channel = row + impl_->SourceChannel(c) * resizer.plane_stride();
      float* out = planes + c * plane_stride + Size(placed.top + y) * Size(impl_->rule.width) + Size(placed.left);
      impl_->Normalise(channel, Size(placed.width), c, out);
    }
  }
}

const Image& Preprocessor::NetworkImage(const ImageView& source) {
  const Placement placed = Place(source);
  LinearResizer& resizer = impl_->resizer;
  Image& image = impl_->network_image;
  if (impl_->rule.resize == ResizeRule::kLetterbox) {
    std::fill_n(image.row(0), image.pixels().size(), static_cast<std::uint8_t>(impl_->rule.padding));
  }
  resizer.Begin(source, placed.width, placed.height);
  for (int y = 0; y < placed.height; ++y) {
    const std::uint8_t* row = resizer.Row(y);
    std::uint8_t* out = image.row(placed.top + y) + 3 * Size(placed.left);
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint8_t* channel = row + impl_->SourceChannel(c) * resizer.plane_stride();
      for (std::size_t x = 0; x < Size(placed.width); ++x) out[3 * x + c] = channel[x];
    }
  }
  return image;
}

const std::vector<float>& Preprocessor::Normalise(const ImageView& network_image) {
  const std::size_t width = Size(network_image.width);
  for (int y = 0; y < network_image.height; ++y) {
    const std::uint8_t* pixels = network_image.row(y);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t x = 0; x < width; ++x) impl_->row[x] = pixels[3 * x + c];
      float* out = impl_->planes.data() + c * impl_->PlaneSize() + Size(y) * width;
      impl_->Normalise(impl_->row.data(), width, c, out);
    }
  }
  return impl_->planes;
}

}  // namespace edgewright
