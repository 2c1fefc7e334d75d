// W3C PNG, third edition: a signature, then chunks of length, name, data and CRC-32.  zlib comes from stb_image_write,
// whose own PNG writer knows no 16 bits.
#include "png.h"

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace edgebench {
namespace {

using edgewright::Bytes;
using edgewright::InputError;
using edgewright::Result;

constexpr int kQuality = 8;  // zlib effort, as stb's own writer

struct PixelFormat {
  std::uint8_t bit_depth;
  std::uint8_t colour_type;
  std::size_t size_bytes;
};

PixelFormat FormatOf(PngPixel kind) {
  if (kind == PngPixel::kGray8) return {8, 0, 1};
  return kind == PngPixel::kGray16 ? PixelFormat{16, 0, 2} : PixelFormat{8, 2, 3};
}

void AppendBigEndian(std::uint32_t value, Bytes* bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes->push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t Crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

void AppendChunk(const std::string& name, const std::uint8_t* data, std::size_t size, Bytes* png) {
  AppendBigEndian(static_cast<std::uint32_t>(size), png);
  const std::size_t start = png->size();
  png->insert(png->end(), name.begin(), name.end());
  png->insert(png->end(), data, data + size);
  AppendBigEndian(Crc32(png->data() + start, png->size() - start), png);
}

// Every row behind a byte that says how it is filtered: not at all.
Bytes Unfiltered(const Bytes& pixels, std::size_t row_bytes) {
  Bytes rows;
  rows.reserve(pixels.size() + pixels.size() / row_bytes);
  for (std::size_t start = 0; start < pixels.size(); start += row_bytes) {
    rows.push_back(0);
    rows.insert(rows.end(), pixels.begin() + static_cast<std::ptrdiff_t>(start),
                pixels.begin() + static_cast<std::ptrdiff_t>(start + row_bytes));
  }
  return rows;
}

struct Free {
  void operator()(unsigned char* memory) const { std::free(memory); }  // NOLINT: stb's own allocation
};

}  // namespace

Result<Bytes> EncodePng(const Bytes& pixels, int width, int height, PngPixel kind) {
  const PixelFormat format = FormatOf(kind);
  Bytes rows = Unfiltered(pixels, static_cast<std::size_t>(width) * format.size_bytes);
  if (rows.size() > INT_MAX) return InputError("a picture of " + std::to_string(rows.size()) + " bytes is too large");
  int compressed_size = 0;
  const std::unique_ptr<unsigned char, Free> compressed(
      stbi_zlib_compress(rows.data(), static_cast<int>(rows.size()), &compressed_size, kQuality));
  if (!compressed) return InputError("out of memory for a picture");

  Bytes header;
  AppendBigEndian(static_cast<std::uint32_t>(width), &header);
  AppendBigEndian(static_cast<std::uint32_t>(height), &header);
  header.insert(header.end(), {format.bit_depth, format.colour_type, 0, 0, 0});  // deflate, no other filters or passes
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  AppendChunk("IHDR", header.data(), header.size(), &png);
  AppendChunk("IDAT", compressed.get(), static_cast<std::size_t>(compressed_size), &png);
  AppendChunk("IEND", nullptr, 0, &png);
  return png;
}

}  // namespace edgebench
