// The definition of each kernel for a range of elements: `ScalarKernels` is this over the whole range, the others take
// it for what their vectors leave over.  Compiled for whatever instruction set the caller is compiled for.
#pragma once

#include <cstring>

#include "kernels.h"

#if defined(__GNUC__)
#define EDGEWRIGHT_INLINE inline __attribute__((always_inline))
#else
#define EDGEWRIGHT_INLINE inline
#endif

namespace edgewright::scalar {

EDGEWRIGHT_INLINE void BlendColumns(const std::uint8_t* row, const ColumnTaps& taps, int begin, int end,
                                    int pixel_bytes, std::int16_t* planes, std::size_t plane_stride) {
  for (int i = begin; i < end; ++i) {
    const auto x = static_cast<std::size_t>(i);
    const std::uint8_t* left = row + taps.offsets[x];
    const std::uint8_t* right = left + pixel_bytes;
    const int left_weight = taps.weights[2 * x];
    const int right_weight = taps.weights[2 * x + 1];
    for (std::size_t c = 0; c < 3; ++c) {
      planes[c * plane_stride + x] = static_cast<std::int16_t>((left[c] * left_weight + right[c] * right_weight) >> 4);
    }
  }
}

EDGEWRIGHT_INLINE void Normalise(const std::uint8_t* pixels, std::size_t begin, std::size_t end, float mean,
                                 float scale, float* out) {
  for (std::size_t i = begin; i < end; ++i) out[i] = (static_cast<float>(pixels[i]) - mean) * scale;
}

EDGEWRIGHT_INLINE std::uint32_t Byte(std::int32_t fixed_point) {
  const std::int32_t value = fixed_point >> 20;
  return static_cast<std::uint32_t>(value < 0 ? 0 : (value > 255 ? 255 : value));
}

// BT.601 in video range, in 20-bit fixed point: OpenCV's constants, so that it is OpenCV's pixels.  A loop that
// compilers make vectors of.
EDGEWRIGHT_INLINE void ConvertYuv(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v, std::size_t size,
                                  std::uint8_t* bgrx) {
  constexpr std::int32_t kHalf = 1 << 19;
  for (std::size_t i = 0; i < size; ++i) {
    const std::int32_t luma = (y[i] < 16 ? 0 : y[i] - 16) * 1220542 + kHalf;
    const std::int32_t cb = u[i] - 128;
    const std::int32_t cr = v[i] - 128;
    const std::uint32_t blue = Byte(luma + 2116026 * cb);
    const std::uint32_t green = Byte(luma - 409993 * cb - 852492 * cr);
    const std::uint32_t red = Byte(luma + 1673527 * cr);
    // Little-endian, as every CPU that this is built for.
    const std::uint32_t pixel = blue | green << 8U | red << 16U | 0xFF000000U;
    std::memcpy(bgrx + 4 * i, &pixel, sizeof(pixel));
  }
}

}  // namespace edgewright::scalar
