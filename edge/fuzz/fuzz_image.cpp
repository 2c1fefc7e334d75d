// Bytes that begin as a PNG or JPEG are read as a file; others describe a frame of a camera, whose buffer ends where
// its last row does.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "edgewright/preprocess.h"
#include "image_file.h"
#include "input.h"
#include "kernels.h"
#include "pixel_format.h"
#include "read_jpeg.h"

namespace {

using edgewright::Bytes;
using edgewright::ImageView;
using edgewright::PixelFormat;
using edgewright::Preprocess;
using edgewright::Preprocessor;
using fuzz::Input;

constexpr int kMaxFileSide = 512;  // larger ones are bounded by kMaxImageSide, and only take longer
constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 17;

unsigned BigEndian(const std::uint8_t* bytes) {
  return unsigned{bytes[0]} << 24U | unsigned{bytes[1]} << 16U | unsigned{bytes[2]} << 8U | unsigned{bytes[3]};
}

void CheckPixels(const edgewright::Image& image) {
  fuzz::Require(edgewright::CheckView(image.view()).ok());
  fuzz::Require(image.pixels().size() == image.row_bytes() * static_cast<std::size_t>(image.height()));
}

void ReadPngFile(const std::uint8_t* data, std::size_t size) {
  if (size < 24 || BigEndian(data + 16) > kMaxFileSide || BigEndian(data + 20) > kMaxFileSide) return;
  const int file = memfd_create("png", MFD_CLOEXEC);
  fuzz::Require(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size));
  const auto image = edgebench::ReadImage("/proc/self/fd/" + std::to_string(file));
  close(file);
  if (image.ok()) CheckPixels(image.value());
}

void ReadJpegFile(const std::uint8_t* data, std::size_t size) {
  const auto image = edgebench::ReadJpeg(Bytes(data, data + size), kMaxFileSide);
  if (image) CheckPixels(*image);
}

// No view that is accepted reaches beyond its buffer, whatever the numbers are.
void CheckBounds(Input input) {
  const auto format = static_cast<PixelFormat>(input.Below(9));  // one too many
  const int width = input.Take<std::int32_t>();
  const int height = input.Take<std::int32_t>();
  const auto stride = input.Take<std::uint64_t>();
  const auto size = input.Take<std::uint64_t>();
  const std::uint8_t pixel = 0;
  const auto view = edgewright::ViewOf(&pixel, size, format, width, height, stride);
  if (!view.ok()) return;
  const int rows = edgewright::HasChromaPlane(format) ? height + height / 2 : height;
  __extension__ using Wide = unsigned __int128;
  fuzz::Require(Wide(stride) * Wide(rows - 1) + edgewright::RowBytes(format, width) <= size);
}

Preprocess TakeRule(Input* input) {
  Preprocess rule;
  rule.width = 1 + input->Below(64);
  rule.height = 1 + input->Below(64);
  rule.colour_order = static_cast<edgewright::ColourOrder>(input->Below(2));
  rule.resize = static_cast<edgewright::ResizeRule>(input->Below(2));
  rule.padding = input->Below(256);
  for (float& mean : rule.mean) mean = input->Take<float>();
  for (float& scale : rule.scale) scale = input->Take<float>();
  return rule;
}

// Every instruction set gives the pixels of the scalar code.
void Process(const Preprocess& rule, const ImageView& view) {
  Preprocessor scalar(rule, edgewright::ScalarKernels());
  const std::vector<std::uint8_t> expected = scalar.NetworkImage(view).pixels();
  for (const edgewright::Kernels* kernels : edgewright::AvailableKernels()) {
    Preprocessor preprocessor(rule, *kernels);
    fuzz::Require(preprocessor.NetworkImage(view).pixels() == expected);
    fuzz::Require(preprocessor.Planes(view).size() == expected.size());
  }
}

void ReadFrame(Input input) {
  const Preprocess rule = TakeRule(&input);
  const auto format = static_cast<PixelFormat>(input.Below(8));
  const auto rotation = static_cast<edgewright::Rotation>(input.Below(4));
  const int width = 1 + input.Below(120);
  const int height = 1 + input.Below(120);
  const std::size_t row_bytes = edgewright::RowBytes(format, width);
  const std::size_t stride = row_bytes + static_cast<std::size_t>(input.Below(64));
  const int rows = edgewright::HasChromaPlane(format) ? height + height / 2 : height;
  const std::size_t size = stride * static_cast<std::size_t>(rows - 1) + row_bytes;
  if (size > kMaxFrameBytes) return;
  const std::unique_ptr<std::uint8_t[]> pixels(new std::uint8_t[size]);
  for (std::size_t i = 0; i < size; ++i) {
    pixels[i] = input.size() == 0 ? static_cast<std::uint8_t>(i) : input.data()[i % input.size()];
  }
  auto view = edgewright::ViewOf(pixels.get(), size, format, width, height, stride);
  fuzz::Require(!edgewright::ViewOf(pixels.get(), size - 1, format, width, height, stride).ok());
  if (!view.ok()) return;  // odd sides of shared chroma
  view.value().rotation = rotation;
  fuzz::Require(edgewright::CheckView(view.value()).ok());
  Process(rule, view.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t png[] = {0x89, 'P', 'N', 'G'};
  const std::uint8_t jpeg[] = {0xFF, 0xD8};
  const auto begins = [&](const auto& magic) {
    return size > sizeof(magic) && std::equal(std::begin(magic), std::end(magic), data);
  };
  if (begins(png)) {
    ReadPngFile(data, size);
  } else if (begins(jpeg)) {
    ReadJpegFile(data, size);
  } else {
    CheckBounds(Input(data, size));
    ReadFrame(Input(data, size));
  }
  return 0;
}
