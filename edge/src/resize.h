// Resizing exactly as OpenCV's `cv2.resize(..., interpolation=cv2.INTER_LINEAR)` does it on uint8: the same pixels, bit
// for bit, for every pair of sizes, so that a device sees what the network was trained on.  Colour conversion and
// rotation come first, as cv2.cvtColor and cv2.rotate, on the pixels that are read and no others.
#pragma once

#include <cstdint>
#include <vector>

#include "edgewright/image.h"
#include "kernels.h"

namespace edgewright {

// Gives the resized image row by row.  Keeps its memory, so that frames of one size cost no allocation.  Not
// thread-safe.
class LinearResizer {
 public:
  explicit LinearResizer(const Kernels& kernels) : kernels_(kernels) {}

  // Stretches all of `source`, which must have passed `CheckView` and outlive the rows, to `width` x `height`.
  void Begin(const ImageView& source, int width, int height);

  // Row y of the three channels, `plane_stride()` apart; valid until the next call.  Cheapest from top to bottom.
  [[nodiscard]] const std::uint8_t* Row(int y);
  [[nodiscard]] std::size_t plane_stride() const { return plane_stride_; }
  // Whether the first channel is red, not blue.
  [[nodiscard]] bool is_rgb() const;

 private:
  // Where one output coordinate reads: two upright source coordinates and their weights, which add up to 2048.
  struct Tap {
    int first = 0;
    int second = 0;
    std::int16_t first_weight = 0;
    std::int16_t second_weight = 0;
  };
  enum class Border { kClampWeights, kClampCoordinates };
  // How a row of the upright image becomes pixels next to each other.
  enum class Reading {
    kInPlace,    // they are
    kConverted,  // the row is converted
    kGathered    // pixel by pixel, those that a tap reads: columns of a turned image, and images of one column
  };
  // What the tables were made for.
  struct Geometry {
    int source_width = 0;
    int source_height = 0;
    int width = 0;
    int height = 0;
    PixelFormat format = PixelFormat::kBgr;
    Rotation rotation = Rotation::kNone;
    [[nodiscard]] bool operator==(const Geometry& other) const;
  };

  static void MakeTaps(int source_length, int length, Border border, std::vector<Tap>* taps);
  void MakeAxes();
  void AimColumns();
  [[nodiscard]] const std::uint8_t* UprightRow(int y);
  void BlendColumns(int upright_y, std::vector<std::int16_t>* row);
  template <typename Read>
  void Gather(int upright_y, const Read& read);
  void GatherRow(int upright_y);
  void ConvertRow(int stored_y);
  void ConvertLine(const std::uint8_t* luma);

  const Kernels& kernels_;
  ImageView source_;
  Geometry geometry_;
  bool weighs_rows_ = false;  // else rows are summed
  Reading reading_ = Reading::kInPlace;
  int pixel_bytes_ = 0;  // of what the columns are read from
  std::size_t plane_stride_ = 0;
  std::vector<Tap> columns_;
  std::vector<Tap> rows_;
  ColumnTaps column_taps_;
  std::vector<std::uint8_t> line_;  // converted or gathered: 4 bytes a pixel
  std::vector<std::uint8_t> yuv_;   // three rows, before they are converted
  std::vector<std::int16_t> upper_;
  std::vector<std::int16_t> lower_;
  int upper_y_ = -1;  // the upright rows that they hold
  int lower_y_ = -1;
  std::vector<std::uint8_t> blended_;
};

}  // namespace edgewright
