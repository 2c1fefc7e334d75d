// An output and its memory, for tests to fill.
#pragma once

#include <cstddef>
#include <vector>

#include "edgewright/map_view.h"

struct TestMap {
  int channels;
  int height;
  int width;
  std::vector<float> values;

  TestMap(int channels, int height, int width, float value = 0)
      : channels(channels), height(height), width(width), values(Index(channels, 0, 0), value) {}

  float& at(int channel, int row, int column) { return values[Index(channel, row, column)]; }
  [[nodiscard]] edgewright::MapView view() const { return {values.data(), channels, height, width, Index(1, 0, 0)}; }

 private:
  [[nodiscard]] std::size_t Index(int channel, int row, int column) const {
    return static_cast<std::size_t>((channel * height + row) * width + column);
  }
};
