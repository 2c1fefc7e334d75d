#include <algorithm>
#include <cmath>
#include <numeric>

#include "edgewright/detect.h"
#include "edgewright/suppress.h"

namespace edgewright {
namespace {

constexpr std::size_t kFewRows = 64;  // for which a grid costs more than it saves
constexpr std::size_t kMaxEntries = 16;
constexpr int kMaxCells = 64;  // an axis: one cell in the coarsest grid

float Area(const Box& box) { return (box.x2 - box.x1) * (box.y2 - box.y1); }

float Intersection(const Box& a, const Box& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return std::max(width, 0.0F) * std::max(height, 0.0F);
}

// Boxes like these share area where they overlap at all, so that boxes that touch no common cell need no comparison.
bool IsRegular(const Box& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) && std::isfinite(box.y2) &&
         box.x1 <= box.x2 && box.y1 <= box.y2;
}

}  // namespace

int Suppressor::Axis::Cell(float coordinate) const {
  const double cell = (double{coordinate} - start) * cells_per_pixel;
  return std::clamp(static_cast<int>(cell), 0, num_cells - 1);
}

std::size_t Suppressor::Range::num_cells() const {
  return static_cast<std::size_t>(right - left + 1) * static_cast<std::size_t>(bottom - top + 1);
}

Suppressor::Range Suppressor::Range::Coarser(int level) const {
  const int shift = 2 * level;
  return {left >> shift, top >> shift, right >> shift, bottom >> shift};
}

void Suppressor::Sort(const Detections& rows) {
  order_.resize(rows.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return rows[a].score > rows[b].score || (rows[a].score == rows[b].score && a < b);
  });
  sorted_.clear();
  for (const std::uint32_t index : order_) sorted_.push_back(rows[index]);
}

// Over all boxes, the finest with cells as large as the average box.
bool Suppressor::LayGrids() {
  entries_.clear();
  if (sorted_.size() <= kFewRows) return false;
  Box bounds = sorted_.front().box;
  double width_sum = 0;
  double height_sum = 0;
  for (const Detection& row : sorted_) {
    const Box& box = row.box;
    if (!IsRegular(box)) return false;
    bounds = {std::min(bounds.x1, box.x1), std::min(bounds.y1, box.y1), std::max(bounds.x2, box.x2),
              std::max(bounds.y2, box.y2)};
    width_sum += double{box.x2} - double{box.x1};
    height_sum += double{box.y2} - double{box.y1};
  }
  const auto axis = [&](float first, float last, double sum) {
    const double length = double{last} - double{first};
    const double cells = length * static_cast<double>(sorted_.size()) / std::max(sum, 1e-30);
    const int num_cells = static_cast<int>(std::clamp(cells, 1.0, double{kMaxCells}));
    return Axis{first, length > 0 ? num_cells / length : 0, num_cells};
  };
  columns_ = axis(bounds.x1, bounds.x2, width_sum);
  rows_ = axis(bounds.y1, bounds.y2, height_sum);
  std::size_t num_cells = 0;
  for (int level = 0; level < kNumLevels; ++level) {
    first_cells_[level] = num_cells;
    num_cells += Range{0, 0, columns_.num_cells - 1, rows_.num_cells - 1}.Coarser(level).num_cells();
  }
  cells_.assign(num_cells, -1);
  return true;
}

Suppressor::Range Suppressor::RangeOf(const Box& box) const {
  return {columns_.Cell(box.x1), rows_.Cell(box.y1), columns_.Cell(box.x2), rows_.Cell(box.y2)};
}

bool Suppressor::Suppresses(const Detection& kept, const Detection& candidate) {
  if (kept.class_index != candidate.class_index) return false;
  ++num_comparisons_;
  const float intersection = Intersection(kept.box, candidate.box);
  return intersection > iou_threshold_ * (Area(kept.box) + Area(candidate.box) - intersection);
}

int& Suppressor::Cell(int level, int x, int y) {
  const int width = ((columns_.num_cells - 1) >> (2 * level)) + 1;
  return cells_[first_cells_[level] + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                static_cast<std::size_t>(x)];
}

bool Suppressor::IsSuppressedAt(int level, const Range& range, const Detection& candidate, const Detections& kept) {
  for (int y = range.top; y <= range.bottom; ++y) {
    for (int x = range.left; x <= range.right; ++x) {
      for (int i = Cell(level, x, y); i >= 0;) {
        const Entry& entry = entries_[static_cast<std::size_t>(i)];
        const Range other = RangeOf(kept[entry.kept].box).Coarser(level);
        // Two boxes may share several cells; they are compared in the first.
        const bool is_first = x == std::max(range.left, other.left) && y == std::max(range.top, other.top);
        if (is_first && Suppresses(kept[entry.kept], candidate)) return true;
        i = entry.next;
      }
    }
  }
  return false;
}

bool Suppressor::IsSuppressed(const Detection& candidate, const Detections& kept) {
  const Range range = has_grids_ ? RangeOf(candidate.box) : Range{};
  if (!has_grids_ || range.num_cells() > kept.size()) {
    return std::any_of(kept.begin(), kept.end(), [&](const Detection& other) { return Suppresses(other, candidate); });
  }
  for (int level = 0; level < kNumLevels; ++level) {
    if (IsSuppressedAt(level, range.Coarser(level), candidate, kept)) return true;
  }
  return false;
}

// In the finest grid where the box touches few cells.
void Suppressor::Insert(std::size_t index, const Box& box) {
  int level = 0;
  Range range = RangeOf(box);
  while (range.num_cells() > kMaxEntries) range = RangeOf(box).Coarser(++level);
  for (int y = range.top; y <= range.bottom; ++y) {
    for (int x = range.left; x <= range.right; ++x) {
      int& first = Cell(level, x, y);
      entries_.push_back({index, first});
      first = static_cast<int>(entries_.size()) - 1;
    }
  }
}

void Suppressor::Run(float iou_threshold, int max_detections, Detections* rows) {
  iou_threshold_ = iou_threshold;
  num_comparisons_ = 0;
  Sort(*rows);
  has_grids_ = LayGrids();
  rows->clear();
  for (const Detection& candidate : sorted_) {
    if (IsSuppressed(candidate, *rows)) continue;
    rows->push_back(candidate);
    if (rows->size() == static_cast<std::size_t>(max_detections)) break;
    if (has_grids_) Insert(rows->size() - 1, candidate.box);
  }
}

Detections SuppressOverlaps(Detections rows, const DetectDecode& decode) {
  Suppressor().Run(decode.iou_threshold, decode.max_detections, &rows);
  return rows;
}

bool OverlapsBy(const Box& a, const Box& b, double min_iou) {
  const double intersection = Intersection(a, b);
  return intersection >= min_iou * (double{Area(a)} + double{Area(b)} - intersection);
}

}  // namespace edgewright
