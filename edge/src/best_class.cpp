#include "best_class.h"

namespace edgewright {

void FindBestClasses(const MapView& map, int first_channel, int num_classes, int row, BestClasses* best) {
  const auto width = static_cast<std::size_t>(map.width);
  const float* first = map.row(first_channel, row);
  best->values.assign(first, first + width);
  best->indexes.assign(width, 0);
  float* best_values = best->values.data();
  int* best_indexes = best->indexes.data();
  for (int c = 1; c < num_classes; ++c) {
    const float* values = map.row(first_channel + c, row);
    for (std::size_t x = 0; x < width; ++x) {
      const float value = values[x];
      const float leader = best_values[x];
      const bool wins = !(value <= leader) && leader == leader;  // NaN is not equal to itself
      best_values[x] = wins ? value : leader;
      best_indexes[x] = wins ? c : best_indexes[x];
    }
  }
}

}  // namespace edgewright
