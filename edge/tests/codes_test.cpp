#include "codes.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using edgewright::Steps;
using edgewright::ToCode;
using edgewright::ToReal;

TEST_CASE("a real becomes the nearest code, a tie the even one") {
  const Steps steps{0.5, -3};
  const float reals[] = {0.0F, 0.25F, 0.75F, -0.25F, -0.75F, 0.26F, 0.74F, 10.0F};
  const int codes[] = {-3, -3, -1, -3, -5, -2, -2, 17};
  for (std::size_t i = 0; i < std::size(reals); ++i) CHECK(ToCode(reals[i], steps) == codes[i]);
}

TEST_CASE("every code comes back from the real that it stands for") {
  for (const Steps& steps : {Steps{0.0078125, 0}, Steps{1.0 / 255, -128}, Steps{0.1, 127}, Steps{1e-30, 5}}) {
    for (int code = -128; code <= 127; ++code) {
      CHECK(ToCode(ToReal(static_cast<std::int8_t>(code), steps), steps) == code);
    }
  }
}

TEST_CASE("what no code stands for becomes the first or the last") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const int zero_point : {-128, 0, 127}) {
    const Steps steps{1e-3, zero_point};
    for (const float value : {1e3F, 3e38F, infinity}) {
      CHECK(ToCode(value, steps) == 127);
      CHECK(ToCode(-value, steps) == -128);
    }
  }
  CHECK(ToCode(std::nanf(""), Steps{1, 0}) == -128);
}
