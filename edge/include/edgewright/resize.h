// Resizing exactly as OpenCV's `cv2.resize(..., interpolation=cv2.INTER_LINEAR)` does it on uint8: the same pixels, bit
// for bit, for every pair of sizes, so that a device sees what the network was trained on.
#pragma once

#include <cstdint>
#include <vector>

#include "edgewright/image.h"

namespace edgewright {

// Keeps its tables and row buffers, so that frames of one size cost no allocation.  Not thread-safe.
class LinearResizer {
 public:
  // Stretches `source` over all of `destination`; neither may be empty.
  void Resize(const ImageView& source, Image* destination);

 private:
  // Where one destination coordinate reads: two source coordinates and their weights, which add up to 2048.
  struct Tap {
    int first = 0;
    int second = 0;
    std::int32_t first_weight = 0;
    std::int32_t second_weight = 0;
  };
  struct Axis {
    int source_length = 0;
    std::vector<Tap> taps;
  };
  enum class Border { kClampWeights, kClampCoordinates };

  static void Prepare(int source_length, int length, Border border, Axis* axis);
  void BlendColumns(const std::uint8_t* source_row, std::vector<std::int32_t>* row) const;

  Axis columns_;
  Axis rows_;
  std::vector<std::int32_t> upper_;
  std::vector<std::int32_t> lower_;
};

}  // namespace edgewright
