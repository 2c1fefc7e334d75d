// The functions of docs/pack.md that no processor has: computed in double and rounded to float, so that C libraries
// which differ in the last bit of a double still give the same float.
#pragma once

#include <cmath>
#include <limits>

namespace edgewright {

inline float Sigmoid(float x) { return static_cast<float>(1.0 / (1.0 + std::exp(-double{x}))); }

// At most exp(88), which a float still holds: a box may be huge, not infinite.
inline float Exp(float x) {
  const double power = x;
  return static_cast<float>(std::exp(power > 88.0 ? 88.0 : power));
}

// A bound for skipping values without their exponential: where Sigmoid(x) > probability, x is larger than this.  Its
// slack is well above every rounding; the exact decision comes after.
inline float LowestLogit(double probability) {
  if (!(probability > 1e-30)) return -std::numeric_limits<float>::infinity();
  const double lower = probability * (1.0 - 1e-4);
  return static_cast<float>(std::log(lower / (1.0 - lower)));
}

}  // namespace edgewright
