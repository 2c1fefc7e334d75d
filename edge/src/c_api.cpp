#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "edgewright/edgewright.h"
#include "edgewright/model.h"

struct edgewright_model {
  edgewright::Model model;
  std::vector<std::string> labels;
  edgewright::Prediction prediction;
  std::vector<edgewright_detection> detections;
};

namespace edgewright {
namespace {

// The first and the last of both lists; those between stand in the same order.
static_assert(EDGEWRIGHT_BGR == static_cast<int>(PixelFormat::kBgr));
static_assert(EDGEWRIGHT_GRAY == static_cast<int>(PixelFormat::kGray));
static_assert(EDGEWRIGHT_YUYV == static_cast<int>(PixelFormat::kYuyv));

edgewright_status Fail(const Error& reason, char* error, std::size_t error_size) {
  if (error != nullptr && error_size > 0) {
    const std::size_t length = std::min(reason.message.size(), error_size - 1);
    std::memcpy(error, reason.message.data(), length);
    error[length] = '\0';
  }
  return reason.kind == ErrorKind::kInput ? EDGEWRIGHT_WRONG_INPUT : EDGEWRIGHT_CHECK_FAILED;
}

Result<ImageView> View(const edgewright_image& image) {
  const int format = image.format;  // a C program may put any number there
  if (format < EDGEWRIGHT_BGR || format > EDGEWRIGHT_YUYV) {
    return InputError("format: " + std::to_string(format) + " is no edgewright_pixel_format");
  }
  if (image.rotation_degrees < 0 || image.rotation_degrees > 270 || image.rotation_degrees % 90 != 0) {
    return InputError("rotation_degrees: " + std::to_string(image.rotation_degrees) + "; give 0, 90, 180 or 270");
  }
  ImageView view;
  view.data = image.data;
  view.width = image.width;
  view.height = image.height;
  view.stride_bytes = image.stride_bytes;
  view.format = static_cast<PixelFormat>(format);
  view.rotation = static_cast<Rotation>(image.rotation_degrees / 90);
  view.chroma = image.chroma;
  view.chroma_stride_bytes = image.chroma_stride_bytes;
  return view;
}

void Show(const Detections& found, std::vector<edgewright_detection>* detections, edgewright_result* result) {
  detections->clear();
  for (const Detection& each : found) {
    detections->push_back({each.box.x1, each.box.y1, each.box.x2, each.box.y2, each.score, each.class_index});
  }
  result->task = EDGEWRIGHT_DETECT;
  result->detections = detections->data();
  result->num_detections = detections->size();
}

void Show(const Classification& found, edgewright_result* result) {
  result->task = EDGEWRIGHT_CLASSIFY;
  result->probabilities = found.probabilities.data();
  result->num_probabilities = found.probabilities.size();
}

void Show(const LabelMap& found, edgewright_result* result) {
  result->task = EDGEWRIGHT_SEGMENT;
  result->label_map = found.labels.data();
  result->label_map_width = found.width;
  result->label_map_height = found.height;
}

}  // namespace
}  // namespace edgewright

edgewright_status edgewright_load(const char* folder, int32_t num_threads, edgewright_model** model, char* error,
                                  size_t error_size) {
  using edgewright::InputError;
  if (folder == nullptr || model == nullptr) {
    return edgewright::Fail(InputError("folder and model must not be NULL"), error, error_size);
  }
  *model = nullptr;
  if (num_threads < 1) {
    const std::string given = std::to_string(num_threads);
    return edgewright::Fail(InputError("num_threads: " + given + "; give at least 1"), error, error_size);
  }
  const edgewright::Result<edgewright::Pack> pack = edgewright::Pack::Open(folder);
  if (!pack.ok()) return edgewright::Fail(pack.error(), error, error_size);
  edgewright::Result<edgewright::Model> loaded = edgewright::Model::Load(pack.value(), num_threads);
  if (!loaded.ok()) return edgewright::Fail(loaded.error(), error, error_size);
  auto owned = std::unique_ptr<edgewright_model>(
      new edgewright_model{std::move(loaded.value()), pack.value().manifest().labels, {}, {}});
  *model = owned.release();
  return EDGEWRIGHT_OK;
}

edgewright_status edgewright_predict(edgewright_model* model, const edgewright_image* image, edgewright_result* result,
                                     char* error, size_t error_size) {
  if (model == nullptr || image == nullptr || result == nullptr) {
    const edgewright::Error reason = edgewright::InputError("model, image and result must not be NULL");
    return edgewright::Fail(reason, error, error_size);
  }
  *result = edgewright_result{};
  const edgewright::Result<edgewright::ImageView> view = edgewright::View(*image);
  if (!view.ok()) return edgewright::Fail(view.error(), error, error_size);
  const edgewright::Status done = model->model.Predict(view.value(), &model->prediction);
  if (!done.ok()) return edgewright::Fail(done.error(), error, error_size);
  if (const auto* found = std::get_if<edgewright::Detections>(&model->prediction)) {
    edgewright::Show(*found, &model->detections, result);
  }
  if (const auto* found = std::get_if<edgewright::Classification>(&model->prediction)) {
    edgewright::Show(*found, result);
  }
  if (const auto* found = std::get_if<edgewright::LabelMap>(&model->prediction)) edgewright::Show(*found, result);
  return EDGEWRIGHT_OK;
}

edgewright_status edgewright_set_thresholds(edgewright_model* model, float score, float iou, char* error,
                                            size_t error_size) {
  const auto fits = [](float value) { return value >= 0 && value <= 1; };
  if (model == nullptr || !fits(score) || !fits(iou)) {
    const edgewright::Error reason = edgewright::InputError("a model, and thresholds from 0 to 1");
    return edgewright::Fail(reason, error, error_size);
  }
  const edgewright::Status done = model->model.SetThresholds(score, iou);
  return done.ok() ? EDGEWRIGHT_OK : edgewright::Fail(done.error(), error, error_size);
}

int32_t edgewright_num_labels(const edgewright_model* model) {
  return model == nullptr ? 0 : static_cast<int32_t>(model->labels.size());
}

const char* edgewright_label(const edgewright_model* model, int32_t class_index) {
  if (class_index < 0 || class_index >= edgewright_num_labels(model)) return nullptr;
  return model->labels[static_cast<std::size_t>(class_index)].c_str();
}

void edgewright_free(edgewright_model* model) { delete model; }

const char* edgewright_version(void) { return EDGEWRIGHT_VERSION; }
