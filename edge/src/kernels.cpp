#include "kernels.h"

#include <cmath>

#include "kernels_scalar.h"

namespace edgewright {

#if defined(__x86_64__) || defined(__i386__)
void AppendX86Kernels(std::vector<const Kernels*>* kernels);
#elif defined(__ARM_NEON)
void AppendNeonKernels(std::vector<const Kernels*>* kernels);
#endif

namespace {

void BlendColumns(const std::uint8_t* row, const ColumnTaps& taps, int pixel_bytes, std::int16_t* planes,
                  std::size_t plane_stride) {
  scalar::BlendColumns(row, taps, 0, taps.count, pixel_bytes, planes, plane_stride);
}

void BlendRows(const std::int16_t* upper, const std::int16_t* lower, int upper_weight, int lower_weight,
               std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) {
    const int sum = ((upper[i] * upper_weight) >> 16) + ((lower[i] * lower_weight) >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

void SumRows(const std::int16_t* upper, const std::int16_t* lower, std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>((upper[i] + lower[i] + 2) >> 2);
}

void Normalise(const std::uint8_t* pixels, std::size_t size, float mean, float scale, float* out) {
  scalar::Normalise(pixels, 0, size, mean, scale, out);
}

void ConvertYuv(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v, std::size_t size,
                std::uint8_t* bgrx) {
  scalar::ConvertYuv(y, u, v, size, bgrx);
}

}  // namespace

const Kernels& ScalarKernels() {
  static constexpr Kernels kKernels = {"scalar", BlendColumns, BlendRows, SumRows, Normalise, ConvertYuv};
  return kKernels;
}

bool IsNormal(float mean, float scale) {
  for (int pixel = 0; pixel < 256; ++pixel) {
    const float difference = static_cast<float>(pixel) - mean;
    for (const float value : {mean, scale, difference, difference * scale}) {
      if (std::fpclassify(value) == FP_SUBNORMAL) return false;
    }
  }
  return true;
}

const std::vector<const Kernels*>& AvailableKernels() {
  static const std::vector<const Kernels*> kKernels = [] {
    std::vector<const Kernels*> found = {&ScalarKernels()};
#if defined(__x86_64__) || defined(__i386__)
    AppendX86Kernels(&found);
#elif defined(__ARM_NEON)
    AppendNeonKernels(&found);
#endif
    return found;
  }();
  return kKernels;
}

}  // namespace edgewright
