// Wall time of one call.
#pragma once

#include <chrono>

namespace edgebench {

template <typename Call>
double MeasureMs(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace edgebench
