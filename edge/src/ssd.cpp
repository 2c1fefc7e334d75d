// SSD: per prior 4 offsets, then per prior the logits of background and classes.
#include <algorithm>
#include <optional>

#include "activation.h"
#include "best_class.h"
#include "detect_rows.h"

namespace edgewright {
namespace {

constexpr float kCentreVariance = 0.1F;
constexpr float kSizeVariance = 0.2F;

// One prior in one cell.
struct Prior {
  const float* offset;  // x, y, w, h, a channel apart
  const float* logit;   // background and classes, a channel apart
  std::size_t channel_stride;
  int column;
  int row;
  WidthHeight size;  // as fractions of the input's sides
};

Box DecodeBox(const Prior& prior, const WidthHeight& stride, const WidthHeight& size) {
  const auto offset = [&](std::size_t k) { return prior.offset[k * prior.channel_stride]; };
  const float prior_cx = std::min((static_cast<float>(prior.column) + 0.5F) * stride.width / size.width, 1.0F);
  const float prior_cy = std::min((static_cast<float>(prior.row) + 0.5F) * stride.height / size.height, 1.0F);
  const float cx = (offset(0) * kCentreVariance * prior.size.width + prior_cx) * size.width;
  const float cy = (offset(1) * kCentreVariance * prior.size.height + prior_cy) * size.height;
  const float half_width = Exp(offset(2) * kSizeVariance) * prior.size.width * size.width * 0.5F;
  const float half_height = Exp(offset(3) * kSizeVariance) * prior.size.height * size.height * 0.5F;
  return BoxAround(cx, cy, half_width, half_height);
}

// `powers` is scratch for background and classes.
void AppendClasses(const Prior& prior, const WidthHeight& stride, const WidthHeight& size, float threshold,
                   std::vector<double>* powers, Detections* rows) {
  const auto logit = [&](std::size_t k) { return prior.logit[k * prior.channel_stride]; };
  float largest = logit(0);
  for (std::size_t k = 1; k < powers->size(); ++k) largest = std::max(largest, logit(k));
  double sum = 0;
  for (std::size_t k = 0; k < powers->size(); ++k) {
    (*powers)[k] = std::exp(double{logit(k)} - double{largest});
    sum += (*powers)[k];
  }
  std::optional<Box> box;
  for (std::size_t k = 1; k < powers->size(); ++k) {
    const auto score = static_cast<float>((*powers)[k] / sum);
    if (!(score > threshold)) continue;
    if (!box) box = DecodeBox(prior, stride, size);
    rows->push_back({*box, score, static_cast<int>(k) - 1});
  }
}

}  // namespace

// A class that the background beats is not worth a softmax: its probability is at most the sigmoid of the difference of
// the two logits, and in most priors that is below the threshold for every class.
void AppendRows(const MapView& map, const SsdScale& scale, const WidthHeight& size, float threshold,
                RowScratch* scratch, Detections* rows) {
  const int num_priors = static_cast<int>(scale.priors.size());
  const int num_logits = map.channels / num_priors - 4;
  const double lowest = LowestLogit(double{threshold});
  BestClasses* best = scratch->Best(scale.priors.size());
  scratch->powers.resize(static_cast<std::size_t>(num_logits));
  for (int row = 0; row < map.height; ++row) {
    for (int a = 0; a < num_priors; ++a) {
      const int first_class = 4 * num_priors + a * num_logits + 1;
      FindBestClasses(map, first_class, num_logits - 1, row, &best[static_cast<std::size_t>(a)]);
    }
    for (int column = 0; column < map.width; ++column) {
      for (int a = 0; a < num_priors; ++a) {
        const auto index = static_cast<std::size_t>(a);
        const float* background = map.row(4 * num_priors + a * num_logits, row) + column;
        const double lead = double{best[index].values[static_cast<std::size_t>(column)]} - double{*background};
        if (!(lead > lowest)) continue;
        const Prior prior{map.row(4 * a, row) + column, background, map.channel_stride, column, row,
                          scale.priors[index]};
        AppendClasses(prior, scale.stride, size, threshold, &scratch->powers, rows);
      }
    }
  }
}

}  // namespace edgewright
