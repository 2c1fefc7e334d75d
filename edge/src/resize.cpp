// OpenCV's fixed-point bilinear kernel (modules/imgproc/src/resize.cpp, HResizeLinear and VResizeLinear for uchar):
// weights of 11 bits, columns blended first, then rows with the products cut to 16 bits one by one.
#include "resize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pixel_format.h"

namespace edgewright {
namespace {

constexpr float kWeightOne = 2048.0F;

std::int16_t Weight(float fraction) { return static_cast<std::int16_t>(std::nearbyint(fraction * kWeightOne)); }

std::size_t Size(int count) { return static_cast<std::size_t>(count); }

bool IsYuv(PixelFormat format) { return HasChromaPlane(format) || format == PixelFormat::kYuyv; }

const std::uint8_t* ChromaRow(const ImageView& view, int y) {
  return view.chroma + Size(y / 2) * view.chroma_stride_bytes;
}

// The pixels of a row are `size` apart and each is three bytes, or one that counts three times.
template <std::size_t kSize>
void CopyPixel(const std::uint8_t* row, int x, std::uint8_t* bgrx) {
  const std::uint8_t* pixel = row + kSize * Size(x);
  for (std::size_t c = 0; c < 3; ++c) bgrx[c] = pixel[kSize == 1 ? 0 : c];
}

}  // namespace

bool LinearResizer::Geometry::operator==(const Geometry& other) const {
  return source_width == other.source_width && source_height == other.source_height && width == other.width &&
         height == other.height && format == other.format && rotation == other.rotation;
}

bool LinearResizer::is_rgb() const {
  return source_.format == PixelFormat::kRgb || source_.format == PixelFormat::kRgba;
}

// Columns that fall outside the source read its edge with full weight; rows keep their weights and read the edge twice.
// The cut products make that a difference of one grey level.
void LinearResizer::MakeTaps(int source_length, int length, Border border, std::vector<Tap>* taps) {
  taps->resize(Size(length));
  const double scale = 1.0 / (static_cast<double>(length) / source_length);
  const int last = source_length - 1;
  for (int i = 0; i < length; ++i) {
    const auto position = static_cast<float>((i + 0.5) * scale - 0.5);
    int first = static_cast<int>(std::floor(position));
    float fraction = position - static_cast<float>(first);
    if (border == Border::kClampWeights && (first < 0 || first >= last)) {
      first = std::clamp(first, 0, last);
      fraction = 0;
    }
    (*taps)[Size(i)] = {std::clamp(first, 0, last), std::clamp(first + 1, 0, last), Weight(1.0F - fraction),
                        Weight(fraction)};
  }
}

// The three cases that OpenCV tells apart.  The kernels cut four bits off a blended column, and two off the sum of two
// rows: the weights below make that a copy, and the average of four pixels.
void LinearResizer::MakeAxes() {
  const int source_width = source_.upright_width();
  const int source_height = source_.upright_height();
  const int width = geometry_.width;
  const int height = geometry_.height;
  const bool copies = source_width == width && source_height == height;
  const bool halves = source_width == 2 * width && source_height == 2 * height;
  weighs_rows_ = !copies && !halves;
  if (weighs_rows_) {
    MakeTaps(source_width, width, Border::kClampWeights, &columns_);
    MakeTaps(source_height, height, Border::kClampCoordinates, &rows_);
    return;
  }
  columns_.resize(Size(width));
  rows_.resize(Size(height));
  for (int x = 0; x < width; ++x) {
    columns_[Size(x)] = copies ? Tap{x, x, 32, 0} : Tap{2 * x, 2 * x + 1, 16, 16};
  }
  for (int y = 0; y < height; ++y) rows_[Size(y)] = copies ? Tap{y, y, 0, 0} : Tap{2 * y, 2 * y + 1, 0, 0};
}

// Makes of `columns_` what the kernels read: pairs of neighbours in memory.
void LinearResizer::AimColumns() {
  const int last = source_.upright_width() - 1;
  const bool mirrored = source_.rotation == Rotation::k180;
  const int width = geometry_.width;
  column_taps_.count = width;
  column_taps_.offsets.resize(Size(width));
  column_taps_.weights.resize(2 * Size(width));
  const bool gathers = reading_ == Reading::kGathered;
  // Where 8 bytes would reach beyond the last pixel of a row.
  const int first_narrow = gathers ? 2 * width : source_.width - (pixel_bytes_ == 3 ? 2 : 1);
  int begin = width;
  int end = 0;
  for (int i = 0; i < width; ++i) {
    const std::size_t x = Size(i);
    Tap tap = columns_[x];
    if (gathers) {
      tap.first = 2 * i;
    } else {
      if (tap.first == last) tap = {last - 1, last, tap.second_weight, tap.first_weight};
      if (mirrored) tap = {last - tap.first - 1, last - tap.first, tap.second_weight, tap.first_weight};
    }
    column_taps_.offsets[x] = pixel_bytes_ * tap.first;
    column_taps_.weights[2 * x] = tap.first_weight;
    column_taps_.weights[2 * x + 1] = tap.second_weight;
    if (tap.first >= first_narrow) continue;
    begin = std::min(begin, i);
    end = i + 1;
  }
  column_taps_.wide_begin = std::min(begin, end);
  column_taps_.wide_end = end;
}

void LinearResizer::Begin(const ImageView& source, int width, int height) {
  source_ = source;
  upper_y_ = -1;
  lower_y_ = -1;
  const Geometry geometry{source.width, source.height, width, height, source.format, source.rotation};
  if (geometry == geometry_) return;
  geometry_ = geometry;
  const bool gathers = source.is_turned() || source.width == 1;
  const bool converts = IsYuv(source.format) || source.format == PixelFormat::kGray;
  reading_ = gathers ? Reading::kGathered : (converts ? Reading::kConverted : Reading::kInPlace);
  pixel_bytes_ = reading_ == Reading::kInPlace ? static_cast<int>(RowBytes(source.format, 1)) : 4;
  MakeAxes();
  AimColumns();
  const std::size_t line_size = gathers ? 2 * Size(width) : (converts ? Size(source.width) : 0);
  line_.resize(4 * line_size);
  yuv_.resize(IsYuv(source.format) ? 3 * line_size : 0);
  plane_stride_ = PaddedRow(Size(width));
  upper_.resize(3 * plane_stride_);
  lower_.resize(3 * plane_stride_);
  blended_.resize(3 * plane_stride_);
}

// The two pixels of every tap, one after the other.
template <typename Read>
void LinearResizer::Gather(int upright_y, const Read& read) {
  const int last_x = source_.width - 1;
  const int last_y = source_.height - 1;
  std::size_t i = 0;
  for (const Tap& tap : columns_) {
    for (const int upright_x : {tap.first, tap.second}) {
      switch (source_.rotation) {
        case Rotation::kNone:
          read(i++, upright_x, upright_y);
          break;
        case Rotation::k90:
          read(i++, upright_y, last_y - upright_x);
          break;
        case Rotation::k180:
          read(i++, last_x - upright_x, last_y - upright_y);
          break;
        case Rotation::k270:
          read(i++, last_x - upright_y, upright_x);
          break;
      }
    }
  }
}

void LinearResizer::GatherRow(int upright_y) {
  std::uint8_t* line = line_.data();
  std::uint8_t* luma = yuv_.data();
  std::uint8_t* u = luma + yuv_.size() / 3;
  std::uint8_t* v = u + yuv_.size() / 3;
  const ImageView& view = source_;
  switch (view.format) {
    case PixelFormat::kBgr:
    case PixelFormat::kRgb:
      return Gather(upright_y, [&](std::size_t i, int x, int y) { CopyPixel<3>(view.row(y), x, line + 4 * i); });
    case PixelFormat::kBgra:
    case PixelFormat::kRgba:
      return Gather(upright_y, [&](std::size_t i, int x, int y) { CopyPixel<4>(view.row(y), x, line + 4 * i); });
    case PixelFormat::kGray:
      return Gather(upright_y, [&](std::size_t i, int x, int y) { CopyPixel<1>(view.row(y), x, line + 4 * i); });
    case PixelFormat::kNv21:
      std::swap(u, v);
      [[fallthrough]];
    case PixelFormat::kNv12:
      Gather(upright_y, [&](std::size_t i, int x, int y) {
        const std::uint8_t* pair = ChromaRow(view, y) + 2 * Size(x / 2);
        luma[i] = view.row(y)[x];
        u[i] = pair[0];
        v[i] = pair[1];
      });
      break;
    case PixelFormat::kYuyv:
      Gather(upright_y, [&](std::size_t i, int x, int y) {
        const std::uint8_t* pair = view.row(y) + 4 * Size(x / 2);
        luma[i] = pair[2 * Size(x % 2)];
        u[i] = pair[1];
        v[i] = pair[3];
      });
      break;
  }
  ConvertLine(luma);
}

void LinearResizer::ConvertLine(const std::uint8_t* luma) {
  const std::size_t size = yuv_.size() / 3;
  kernels_.convert_yuv(luma, yuv_.data() + size, yuv_.data() + 2 * size, size, line_.data());
}

void LinearResizer::ConvertRow(int stored_y) {
  const std::uint8_t* row = source_.row(stored_y);
  const std::size_t width = Size(source_.width);
  if (source_.format == PixelFormat::kGray) {
    for (std::size_t x = 0; x < width; ++x) std::fill_n(line_.data() + 4 * x, 3, row[x]);
    return;
  }
  std::uint8_t* luma = yuv_.data();
  std::uint8_t* u = luma + width;
  std::uint8_t* v = u + width;
  if (source_.format == PixelFormat::kYuyv) {
    for (std::size_t x = 0; x < width; x += 2) {
      luma[x] = row[2 * x];
      luma[x + 1] = row[2 * x + 2];
      u[x] = u[x + 1] = row[2 * x + 1];
      v[x] = v[x + 1] = row[2 * x + 3];
    }
    return ConvertLine(luma);
  }
  const std::uint8_t* chroma = ChromaRow(source_, stored_y);
  if (source_.format == PixelFormat::kNv21) std::swap(u, v);
  for (std::size_t x = 0; x < width; x += 2) {
    u[x] = u[x + 1] = chroma[x];
    v[x] = v[x + 1] = chroma[x + 1];
  }
  ConvertLine(row);
}

const std::uint8_t* LinearResizer::UprightRow(int y) {
  if (reading_ == Reading::kGathered) {
    GatherRow(y);
    return line_.data();
  }
  const int stored_y = source_.rotation == Rotation::k180 ? source_.height - 1 - y : y;
  if (reading_ == Reading::kInPlace) return source_.row(stored_y);
  ConvertRow(stored_y);
  return line_.data();
}

void LinearResizer::BlendColumns(int upright_y, std::vector<std::int16_t>* row) {
  kernels_.blend_columns(UprightRow(upright_y), column_taps_, pixel_bytes_, row->data(), plane_stride_);
}

const std::uint8_t* LinearResizer::Row(int y) {
  const Tap& tap = rows_[Size(y)];
  if (tap.first == lower_y_ && tap.first != upper_y_) {
    upper_.swap(lower_);
    std::swap(upper_y_, lower_y_);
  }
  if (tap.first != upper_y_) BlendColumns(upper_y_ = tap.first, &upper_);
  const bool same = tap.second == tap.first;
  if (!same && tap.second != lower_y_) BlendColumns(lower_y_ = tap.second, &lower_);
  const std::int16_t* lower = same ? upper_.data() : lower_.data();
  if (weighs_rows_) {
    kernels_.blend_rows(upper_.data(), lower, tap.first_weight, tap.second_weight, upper_.size(), blended_.data());
  } else {
    kernels_.sum_rows(upper_.data(), lower, upper_.size(), blended_.data());
  }
  return blended_.data();
}

}  // namespace edgewright
