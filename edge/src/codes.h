// int8 codes at the ends of a tflite pack: real = scale * (code - zero_point).
#pragma once

#include <algorithm>
#include <cstdint>

#include "edgewright/manifest.h"

namespace edgewright {

// The nearest code, ties to even, as `Steps.to_codes` in edgewright_export/manifest.py.
[[nodiscard]] inline std::int8_t ToCode(float value, const Steps& steps) {
  constexpr double kFar = 1024;        // beyond every code, whatever the zero point
  constexpr double kRound = 0x1.8p52;  // leaves no bits for a fraction
  double code = static_cast<double>(value) / steps.scale;
  code = code > -kFar ? std::min(code, kFar) : -kFar;  // what is no number, too
  code = (code + kRound) - kRound + steps.zero_point;
  return static_cast<std::int8_t>(std::clamp(code, -128.0, 127.0));
}

[[nodiscard]] inline float ToReal(std::int8_t code, const Steps& steps) {
  return static_cast<float>((static_cast<double>(code) - steps.zero_point) * steps.scale);
}

}  // namespace edgewright
