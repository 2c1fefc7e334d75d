// The inner loops of pre-processing, once per instruction set.  All give the same bits; `ScalarKernels` defines them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edgewright {

// Rows of one channel are padded to a multiple of this, so that the loops over them have no remainder.
inline constexpr std::size_t kRowPadding = 32;

[[nodiscard]] inline std::size_t PaddedRow(std::size_t size) {
  return (size + kRowPadding - 1) / kRowPadding * kRowPadding;
}

// Where each pixel of an output row reads: two neighbouring pixels of the source row, the left one at `offsets` bytes.
struct ColumnTaps {
  std::vector<std::int32_t> offsets;
  std::vector<std::int16_t> weights;  // left, right; left, right ...
  int count = 0;
  // Of those in begin..end the source row has 8 bytes at the offset; the others have both pixels and no more.
  int wide_begin = 0;
  int wide_end = 0;
};

struct Kernels {
  const char* name;

  // (left * weight + right * weight) >> 4 of three channels: three rows of `plane_stride`.  A pixel has `pixel_bytes`,
  // 3 or 4, of which the first three count.
  void (*blend_columns)(const std::uint8_t* row, const ColumnTaps& taps, int pixel_bytes, std::int16_t* planes,
                        std::size_t plane_stride);

  // (((upper * upper_weight) >> 16) + ((lower * lower_weight) >> 16) + 2) >> 2.  `size` is a multiple of kRowPadding.
  void (*blend_rows)(const std::int16_t* upper, const std::int16_t* lower, int upper_weight, int lower_weight,
                     std::size_t size, std::uint8_t* out);

  // (upper + lower + 2) >> 2.  `size` is a multiple of kRowPadding.
  void (*sum_rows)(const std::int16_t* upper, const std::int16_t* lower, std::size_t size, std::uint8_t* out);

  // (pixel - mean) * scale, each operation rounded.  Exact where `IsNormal`: the NEON of 32-bit ARM takes smaller
  // numbers for zero.
  void (*normalise)(const std::uint8_t* pixels, std::size_t size, float mean, float scale, float* out);

  // From a byte of each a pixel to pixels of 4 bytes, B G R and 255.
  void (*convert_yuv)(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v, std::size_t size,
                      std::uint8_t* bgrx);
};

[[nodiscard]] const Kernels& ScalarKernels();

// Whether no number that `normalise` meets, whatever the pixel, is so near to zero that a float loses digits.
[[nodiscard]] bool IsNormal(float mean, float scale);

// Every set that this CPU can run, the scalar one first and the fastest last.
[[nodiscard]] const std::vector<const Kernels*>& AvailableKernels();

}  // namespace edgewright
