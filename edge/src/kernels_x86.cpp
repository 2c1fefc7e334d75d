// SSE4.1 and AVX2, chosen at run time.  Neither multiplies and adds in one step, so floats round as everywhere else.
#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#include "kernels_scalar.h"

#define EDGEWRIGHT_SSE41 __attribute__((target("sse4.1")))
#define EDGEWRIGHT_AVX2 __attribute__((target("avx2")))

namespace edgewright {

void AppendX86Kernels(std::vector<const Kernels*>* kernels);

namespace {

const __m128i* Vector(const void* address) { return static_cast<const __m128i*>(address); }
__m128i* Vector(void* address) { return static_cast<__m128i*>(address); }

// Two pixel pairs of 8 bytes are one vector.  The first shuffle makes of it 16-bit words: B left, B right of both
// pairs, then G; the second makes R of both pairs, in the low half; the third the same in the high half.
struct Shuffles {
  std::int8_t blue_green[16];
  std::int8_t red_low[16];
  std::int8_t red_high[16];
};
constexpr Shuffles kPixels3 = {{0, -1, 3, -1, 8, -1, 11, -1, 1, -1, 4, -1, 9, -1, 12, -1},
                               {2, -1, 5, -1, 10, -1, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                               {-1, -1, -1, -1, -1, -1, -1, -1, 2, -1, 5, -1, 10, -1, 13, -1}};
constexpr Shuffles kPixels4 = {{0, -1, 4, -1, 8, -1, 12, -1, 1, -1, 5, -1, 9, -1, 13, -1},
                               {2, -1, 6, -1, 10, -1, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                               {-1, -1, -1, -1, -1, -1, -1, -1, 2, -1, 6, -1, 10, -1, 14, -1}};

// Eight bytes at each of two offsets.
EDGEWRIGHT_SSE41 inline __m128i TwoPairs(const std::uint8_t* row, const std::int32_t* offsets) {
  const __m128i first = _mm_loadl_epi64(Vector(row + offsets[0]));
  return _mm_castps_si128(
      _mm_loadh_pi(_mm_castsi128_ps(first), reinterpret_cast<const __m64*>(row + offsets[1])));  // NOLINT: unaligned
}

EDGEWRIGHT_SSE41 void BlendColumnsSse41(const std::uint8_t* row, const ColumnTaps& taps, int pixel_bytes,
                                        std::int16_t* planes, std::size_t plane_stride) {
  const Shuffles& shuffles = pixel_bytes == 3 ? kPixels3 : kPixels4;
  const __m128i blue_green = _mm_loadu_si128(Vector(shuffles.blue_green));
  const __m128i red_low = _mm_loadu_si128(Vector(shuffles.red_low));
  const __m128i red_high = _mm_loadu_si128(Vector(shuffles.red_high));
  scalar::BlendColumns(row, taps, 0, taps.wide_begin, pixel_bytes, planes, plane_stride);
  int i = taps.wide_begin;
  for (; i + 4 <= taps.wide_end; i += 4) {
    const auto x = static_cast<std::size_t>(i);
    const std::int32_t* offsets = taps.offsets.data() + x;
    const __m128i weights = _mm_loadu_si128(Vector(taps.weights.data() + 2 * x));
    const __m128i ab = TwoPairs(row, offsets);
    const __m128i cd = TwoPairs(row, offsets + 2);
    const __m128i ab_sum =
        _mm_madd_epi16(_mm_shuffle_epi8(ab, blue_green), _mm_unpacklo_epi64(weights, weights));  // B B G G
    const __m128i cd_sum = _mm_madd_epi16(_mm_shuffle_epi8(cd, blue_green), _mm_unpackhi_epi64(weights, weights));
    const __m128i red_sum =
        _mm_madd_epi16(_mm_or_si128(_mm_shuffle_epi8(ab, red_low), _mm_shuffle_epi8(cd, red_high)), weights);
    const __m128i bg = _mm_shuffle_epi32(_mm_packs_epi32(_mm_srli_epi32(ab_sum, 4), _mm_srli_epi32(cd_sum, 4)),
                                         _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i red = _mm_srli_epi32(red_sum, 4);
    _mm_storel_epi64(Vector(planes + x), bg);
    _mm_storel_epi64(Vector(planes + plane_stride + x), _mm_unpackhi_epi64(bg, bg));
    _mm_storel_epi64(Vector(planes + 2 * plane_stride + x), _mm_packs_epi32(red, red));
  }
  scalar::BlendColumns(row, taps, i, taps.count, pixel_bytes, planes, plane_stride);
}

// As above, with pixels 0..3 in the low and 4..7 in the high half of each vector.
EDGEWRIGHT_AVX2 void BlendColumnsAvx2(const std::uint8_t* row, const ColumnTaps& taps, int pixel_bytes,
                                      std::int16_t* planes, std::size_t plane_stride) {
  const Shuffles& shuffles = pixel_bytes == 3 ? kPixels3 : kPixels4;
  const __m256i blue_green = _mm256_broadcastsi128_si256(_mm_loadu_si128(Vector(shuffles.blue_green)));
  const __m256i red_low = _mm256_broadcastsi128_si256(_mm_loadu_si128(Vector(shuffles.red_low)));
  const __m256i red_high = _mm256_broadcastsi128_si256(_mm_loadu_si128(Vector(shuffles.red_high)));
  scalar::BlendColumns(row, taps, 0, taps.wide_begin, pixel_bytes, planes, plane_stride);
  int i = taps.wide_begin;
  for (; i + 8 <= taps.wide_end; i += 8) {
    const auto x = static_cast<std::size_t>(i);
    const std::int32_t* offsets = taps.offsets.data() + x;
    const __m256i weights =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(taps.weights.data() + 2 * x));  // NOLINT: unaligned
    const __m256i ab =
        _mm256_inserti128_si256(_mm256_castsi128_si256(TwoPairs(row, offsets)), TwoPairs(row, offsets + 4), 1);
    const __m256i cd =
        _mm256_inserti128_si256(_mm256_castsi128_si256(TwoPairs(row, offsets + 2)), TwoPairs(row, offsets + 6), 1);
    const __m256i ab_sum =
        _mm256_madd_epi16(_mm256_shuffle_epi8(ab, blue_green), _mm256_unpacklo_epi64(weights, weights));
    const __m256i cd_sum =
        _mm256_madd_epi16(_mm256_shuffle_epi8(cd, blue_green), _mm256_unpackhi_epi64(weights, weights));
    const __m256i red_sum = _mm256_madd_epi16(
        _mm256_or_si256(_mm256_shuffle_epi8(ab, red_low), _mm256_shuffle_epi8(cd, red_high)), weights);
    // B0 B1 G0 G1 B2 B3 G2 G3 | B4 ... in pairs, to all of B, then all of G.
    const __m256i bg =
        _mm256_permutevar8x32_epi32(_mm256_packs_epi32(_mm256_srli_epi32(ab_sum, 4), _mm256_srli_epi32(cd_sum, 4)),
                                    _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    const __m256i red = _mm256_srli_epi32(red_sum, 4);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(red, red), _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128(Vector(planes + x), _mm256_castsi256_si128(bg));
    _mm_storeu_si128(Vector(planes + plane_stride + x), _mm256_extracti128_si256(bg, 1));
    _mm_storeu_si128(Vector(planes + 2 * plane_stride + x), _mm256_castsi256_si128(packed));
  }
  scalar::BlendColumns(row, taps, i, taps.count, pixel_bytes, planes, plane_stride);
}

EDGEWRIGHT_AVX2 inline __m256i Load(const std::int16_t* address) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(address));  // NOLINT: unaligned
}

// (a + b + 2) >> 2
EDGEWRIGHT_SSE41 inline __m128i Quarter(__m128i a, __m128i b) {
  return _mm_srai_epi16(_mm_add_epi16(_mm_add_epi16(a, b), _mm_set1_epi16(2)), 2);
}
EDGEWRIGHT_AVX2 inline __m256i Quarter(__m256i a, __m256i b) {
  return _mm256_srai_epi16(_mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(2)), 2);
}

EDGEWRIGHT_SSE41 inline __m128i Blend(const std::int16_t* upper, const std::int16_t* lower, __m128i above,
                                      __m128i below) {
  return Quarter(_mm_mulhi_epi16(_mm_loadu_si128(Vector(upper)), above),
                 _mm_mulhi_epi16(_mm_loadu_si128(Vector(lower)), below));
}
EDGEWRIGHT_AVX2 inline __m256i Blend(const std::int16_t* upper, const std::int16_t* lower, __m256i above,
                                     __m256i below) {
  return Quarter(_mm256_mulhi_epi16(Load(upper), above), _mm256_mulhi_epi16(Load(lower), below));
}

EDGEWRIGHT_SSE41 void BlendRowsSse41(const std::int16_t* upper, const std::int16_t* lower, int upper_weight,
                                     int lower_weight, std::size_t size, std::uint8_t* out) {
  const __m128i above = _mm_set1_epi16(static_cast<std::int16_t>(upper_weight));
  const __m128i below = _mm_set1_epi16(static_cast<std::int16_t>(lower_weight));
  for (std::size_t i = 0; i < size; i += 16) {
    const __m128i first = Blend(upper + i, lower + i, above, below);
    const __m128i second = Blend(upper + i + 8, lower + i + 8, above, below);
    _mm_storeu_si128(Vector(out + i), _mm_packus_epi16(first, second));
  }
}

EDGEWRIGHT_AVX2 void BlendRowsAvx2(const std::int16_t* upper, const std::int16_t* lower, int upper_weight,
                                   int lower_weight, std::size_t size, std::uint8_t* out) {
  const __m256i above = _mm256_set1_epi16(static_cast<std::int16_t>(upper_weight));
  const __m256i below = _mm256_set1_epi16(static_cast<std::int16_t>(lower_weight));
  for (std::size_t i = 0; i < size; i += 32) {
    const __m256i packed = _mm256_packus_epi16(Blend(upper + i, lower + i, above, below),
                                               Blend(upper + i + 16, lower + i + 16, above, below));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),  // NOLINT: unaligned
                        _mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0)));
  }
}

EDGEWRIGHT_SSE41 void SumRowsSse41(const std::int16_t* upper, const std::int16_t* lower, std::size_t size,
                                   std::uint8_t* out) {
  for (std::size_t i = 0; i < size; i += 16) {
    const __m128i first = Quarter(_mm_loadu_si128(Vector(upper + i)), _mm_loadu_si128(Vector(lower + i)));
    const __m128i second = Quarter(_mm_loadu_si128(Vector(upper + i + 8)), _mm_loadu_si128(Vector(lower + i + 8)));
    _mm_storeu_si128(Vector(out + i), _mm_packus_epi16(first, second));
  }
}

EDGEWRIGHT_SSE41 void NormaliseSse41(const std::uint8_t* pixels, std::size_t size, float mean, float scale,
                                     float* out) {
  const __m128 means = _mm_set1_ps(mean);
  const __m128 scales = _mm_set1_ps(scale);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const __m128i bytes = _mm_loadl_epi64(Vector(pixels + i));
    const __m128 low = _mm_cvtepi32_ps(_mm_cvtepu8_epi32(bytes));
    const __m128 high = _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_srli_si128(bytes, 4)));
    _mm_storeu_ps(out + i, _mm_mul_ps(_mm_sub_ps(low, means), scales));
    _mm_storeu_ps(out + i + 4, _mm_mul_ps(_mm_sub_ps(high, means), scales));
  }
  scalar::Normalise(pixels, i, size, mean, scale, out);
}

EDGEWRIGHT_AVX2 void NormaliseAvx2(const std::uint8_t* pixels, std::size_t size, float mean, float scale, float* out) {
  const __m256 means = _mm256_set1_ps(mean);
  const __m256 scales = _mm256_set1_ps(scale);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(Vector(pixels + i))));
    _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_sub_ps(values, means), scales));
  }
  scalar::Normalise(pixels, i, size, mean, scale, out);
}

EDGEWRIGHT_SSE41 void ConvertYuvSse41(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v,
                                      std::size_t size, std::uint8_t* bgrx) {
  scalar::ConvertYuv(y, u, v, size, bgrx);
}

EDGEWRIGHT_AVX2 void ConvertYuvAvx2(const std::uint8_t* y, const std::uint8_t* u, const std::uint8_t* v,
                                    std::size_t size, std::uint8_t* bgrx) {
  scalar::ConvertYuv(y, u, v, size, bgrx);
}

constexpr Kernels kSse41 = {"sse4.1", BlendColumnsSse41, BlendRowsSse41, SumRowsSse41, NormaliseSse41, ConvertYuvSse41};
constexpr Kernels kAvx2 = {"avx2", BlendColumnsAvx2, BlendRowsAvx2, SumRowsSse41, NormaliseAvx2, ConvertYuvAvx2};

}  // namespace

void AppendX86Kernels(std::vector<const Kernels*>* kernels) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.1") != 0) kernels->push_back(&kSse41);
  if (__builtin_cpu_supports("avx2") != 0) kernels->push_back(&kAvx2);
}

}  // namespace edgewright

#endif
