// Greedy, class-aware non-maximum suppression that stays quick when a scene is crowded: a box is compared with the kept
// boxes near it, not with all of them.
//
//   Suppressor suppressor;
//   suppressor.Run(decode.iou_threshold, decode.max_detections, &rows);  // each frame
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgewright/detection.h"

namespace edgewright {

// Keeps its memory from frame to frame.  Not thread-safe.
class Suppressor {
 public:
  // Keeps the best of `rows`, highest score first (equal: earlier row first): a box goes when a kept box of its class
  // has intersection > iou_threshold * union.  Stops at `max_detections`.
  void Run(float iou_threshold, int max_detections, Detections* rows);

  // Pairs of boxes whose overlap the last run computed.
  [[nodiscard]] std::size_t num_comparisons() const { return num_comparisons_; }

 private:
  // One axis of the finest grid: coordinates to cells, never decreasing.
  struct Axis {
    double start = 0;
    double cells_per_pixel = 0;
    int num_cells = 1;
    [[nodiscard]] int Cell(float coordinate) const;
  };
  // The cells that a box touches.  Those of a coarser grid are 4 by 4 of the next finer one.
  struct Range {
    int left, top, right, bottom;
    [[nodiscard]] std::size_t num_cells() const;
    [[nodiscard]] Range Coarser(int level) const;
  };
  struct Entry {
    std::size_t kept;
    int next;  // in the same cell, -1: none
  };
  static constexpr int kNumLevels = 4;

  void Sort(const Detections& rows);
  [[nodiscard]] bool LayGrids();
  [[nodiscard]] Range RangeOf(const Box& box) const;
  [[nodiscard]] int& Cell(int level, int x, int y);
  [[nodiscard]] bool Suppresses(const Detection& kept, const Detection& candidate);
  [[nodiscard]] bool IsSuppressed(const Detection& candidate, const Detections& kept);
  [[nodiscard]] bool IsSuppressedAt(int level, const Range& range, const Detection& candidate, const Detections& kept);
  void Insert(std::size_t index, const Box& box);

  float iou_threshold_ = 0;
  std::size_t num_comparisons_ = 0;
  std::vector<std::uint32_t> order_;
  Detections sorted_;
  bool has_grids_ = false;
  Axis columns_;
  Axis rows_;
  std::size_t first_cells_[kNumLevels] = {};
  std::vector<int> cells_;  // of all grids: the first entry of each, -1: none
  std::vector<Entry> entries_;
};

}  // namespace edgewright
