// NEON, of 32-bit and 64-bit ARM.  Built with -ffp-contract=off, so floats round as everywhere else.
#if defined(__ARM_NEON)

#include <arm_neon.h>

#include "kernels_scalar.h"

namespace edgewright {

void AppendNeonKernels(std::vector<const Kernels*>* kernels);

namespace {

// One pixel pair of 8 bytes: B G R and something, left * weight + right * weight, cut to 16 bits.
template <int kPixelBytes, int kPair>
EDGEWRIGHT_INLINE int16x4_t BlendPair(const std::uint8_t* pixels, int16x4_t weights) {
  const int16x8_t words = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(pixels)));
  const int16x4_t left = vget_low_s16(words);
  const int16x4_t right = vget_low_s16(vextq_s16(words, words, kPixelBytes));
  const int32x4_t sum = vmlal_lane_s16(vmull_lane_s16(left, weights, 2 * kPair), right, weights, 2 * kPair + 1);
  return vshrn_n_s32(sum, 4);
}

template <int kPixelBytes>
void BlendWideColumns(const std::uint8_t* row, const ColumnTaps& taps, int begin, int end, std::int16_t* planes,
                      std::size_t plane_stride) {
  for (int i = begin; i < end; i += 4) {
    const auto x = static_cast<std::size_t>(i);
    const std::int32_t* offsets = taps.offsets.data() + x;
    const int16x8_t weights = vld1q_s16(taps.weights.data() + 2 * x);
    const int16x4_t a = BlendPair<kPixelBytes, 0>(row + offsets[0], vget_low_s16(weights));
    const int16x4_t b = BlendPair<kPixelBytes, 1>(row + offsets[1], vget_low_s16(weights));
    const int16x4_t c = BlendPair<kPixelBytes, 0>(row + offsets[2], vget_high_s16(weights));
    const int16x4_t d = BlendPair<kPixelBytes, 1>(row + offsets[3], vget_high_s16(weights));
    const int16x4x2_t ab = vtrn_s16(a, b);  // Ba Bb Ra Rb; Ga Gb ..
    const int16x4x2_t cd = vtrn_s16(c, d);
    const int32x2x2_t blue_red = vtrn_s32(vreinterpret_s32_s16(ab.val[0]), vreinterpret_s32_s16(cd.val[0]));
    const int32x2x2_t green = vtrn_s32(vreinterpret_s32_s16(ab.val[1]), vreinterpret_s32_s16(cd.val[1]));
    vst1_s16(planes + x, vreinterpret_s16_s32(blue_red.val[0]));
    vst1_s16(planes + plane_stride + x, vreinterpret_s16_s32(green.val[0]));
    vst1_s16(planes + 2 * plane_stride + x, vreinterpret_s16_s32(blue_red.val[1]));
  }
}

void BlendColumns(const std::uint8_t* row, const ColumnTaps& taps, int pixel_bytes, std::int16_t* planes,
                  std::size_t plane_stride) {
  const int end = taps.wide_begin + (taps.wide_end - taps.wide_begin) / 4 * 4;
  scalar::BlendColumns(row, taps, 0, taps.wide_begin, pixel_bytes, planes, plane_stride);
  const auto blend = pixel_bytes == 3 ? BlendWideColumns<3> : BlendWideColumns<4>;
  blend(row, taps, taps.wide_begin, end, planes, plane_stride);
  scalar::BlendColumns(row, taps, end, taps.count, pixel_bytes, planes, plane_stride);
}

EDGEWRIGHT_INLINE int16x8_t HighProduct(int16x8_t values, int16x4_t weight) {
  return vcombine_s16(vshrn_n_s32(vmull_lane_s16(vget_low_s16(values), weight, 0), 16),
                      vshrn_n_s32(vmull_lane_s16(vget_high_s16(values), weight, 0), 16));
}

void BlendRows(const std::int16_t* upper, const std::int16_t* lower, int upper_weight, int lower_weight,
               std::size_t size, std::uint8_t* out) {
  const int16x4_t above = vdup_n_s16(static_cast<std::int16_t>(upper_weight));
  const int16x4_t below = vdup_n_s16(static_cast<std::int16_t>(lower_weight));
  for (std::size_t i = 0; i < size; i += 8) {
    const int16x8_t sum = vaddq_s16(HighProduct(vld1q_s16(upper + i), above), HighProduct(vld1q_s16(lower + i), below));
    vst1_u8(out + i, vqrshrun_n_s16(sum, 2));
  }
}

void SumRows(const std::int16_t* upper, const std::int16_t* lower, std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; i += 8) {
    vst1_u8(out + i, vqrshrun_n_s16(vaddq_s16(vld1q_s16(upper + i), vld1q_s16(lower + i)), 2));
  }
}

void Normalise(const std::uint8_t* pixels, std::size_t size, float mean, float scale, float* out) {
  const float32x4_t means = vdupq_n_f32(mean);
  const float32x4_t scales = vdupq_n_f32(scale);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const uint16x8_t words = vmovl_u8(vld1_u8(pixels + i));
    const float32x4_t low = vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
    const float32x4_t high = vcvtq_f32_u32(vmovl_u16(vget_high_u16(words)));
    vst1q_f32(out + i, vmulq_f32(vsubq_f32(low, means), scales));
    vst1q_f32(out + i + 4, vmulq_f32(vsubq_f32(high, means), scales));
  }
  scalar::Normalise(pixels, i, size, mean, scale, out);
}

void ConvertYuv(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v, std::size_t size,
                std::uint8_t* bgrx) {
  scalar::ConvertYuv(y, u, v, size, bgrx);
}

}  // namespace

void AppendNeonKernels(std::vector<const Kernels*>* kernels) {
  static constexpr Kernels kNeon = {"neon", BlendColumns, BlendRows, SumRows, Normalise, ConvertYuv};
  kernels->push_back(&kNeon);
}

}  // namespace edgewright

#endif
