/* edgewright for programs that are not C++: plain C, for Swift, JNI and whatever else can call it.
 *
 *   char error[256];
 *   edgewright_model* model = NULL;
 *   if (edgewright_load("build/yolo-fastestv2/ncnn-fp16", 1, &model, error, sizeof error)) return report(error);
 *   edgewright_image image = {.data = pixels, .width = 640, .height = 480, .stride_bytes = 640 * 3};
 *   edgewright_result found;
 *   if (edgewright_predict(model, &image, &found, error, sizeof error)) return report(error);
 *   for (size_t i = 0; i < found.num_detections; ++i)
 *     draw(found.detections[i], edgewright_label(model, found.detections[i].class_index));
 *   edgewright_free(model);
 *
 * Calls for the same model must follow each other; different models may be used at the same time. */
#ifndef EDGEWRIGHT_EDGEWRIGHT_H_
#define EDGEWRIGHT_EDGEWRIGHT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct edgewright_model edgewright_model;

typedef enum edgewright_status {
  EDGEWRIGHT_OK = 0,
  EDGEWRIGHT_CHECK_FAILED = 1, /* bytes or results are not what they were promised to be */
  EDGEWRIGHT_WRONG_INPUT = 2
} edgewright_status;

/* As `PixelFormat` in image.h, which says how the bytes lie. */
typedef enum edgewright_pixel_format {
  EDGEWRIGHT_BGR = 0,
  EDGEWRIGHT_RGB = 1,
  EDGEWRIGHT_BGRA = 2,
  EDGEWRIGHT_RGBA = 3,
  EDGEWRIGHT_GRAY = 4,
  EDGEWRIGHT_NV12 = 5,
  EDGEWRIGHT_NV21 = 6,
  EDGEWRIGHT_YUYV = 7
} edgewright_pixel_format;

typedef struct edgewright_image {
  const uint8_t* data;
  int32_t width; /* as stored, before the rotation */
  int32_t height;
  size_t stride_bytes; /* between rows */
  edgewright_pixel_format format;
  int32_t rotation_degrees; /* clockwise, what makes it upright: 0, 90, 180 or 270 */
  const uint8_t* chroma;    /* of NV12 and NV21: the second plane */
  size_t chroma_stride_bytes;
} edgewright_image;

typedef enum edgewright_task { EDGEWRIGHT_DETECT = 0, EDGEWRIGHT_CLASSIFY = 1, EDGEWRIGHT_SEGMENT = 2 } edgewright_task;

typedef struct edgewright_detection { /* in pixels of the upright image */
  float x1, y1, x2, y2;
  float score;
  int32_t class_index;
} edgewright_detection;

/* What the pointers point to belongs to the model: until the next call for it. */
typedef struct edgewright_result {
  edgewright_task task;
  const edgewright_detection* detections; /* the best first */
  size_t num_detections;
  const float* probabilities; /* classify: one per label */
  size_t num_probabilities;
  const uint16_t* label_map; /* segment: a class index per pixel of the upright image, row by row */
  int32_t label_map_width;
  int32_t label_map_height;
} edgewright_result;

/* `error` gets one line, cut to `error_size` bytes with the zero at the end; it may be NULL.  Every byte of the pack
 * is checked against its digest before a runtime sees it.  A tflite pack needs a libLiteRt.so that the dynamic linker
 * finds: in an Android app, among its own native libraries. */
edgewright_status edgewright_load(const char* folder, int32_t num_threads, edgewright_model** model, char* error,
                                  size_t error_size);
edgewright_status edgewright_predict(edgewright_model* model, const edgewright_image* image, edgewright_result* result,
                                     char* error, size_t error_size);

/* 0..1, instead of those of the pack.  Wrong input for packs that do not detect. */
edgewright_status edgewright_set_thresholds(edgewright_model* model, float score, float iou, char* error,
                                            size_t error_size);

int32_t edgewright_num_labels(const edgewright_model* model);
const char* edgewright_label(const edgewright_model* model, int32_t class_index); /* NULL: no such class */

void edgewright_free(edgewright_model* model); /* NULL is fine */
const char* edgewright_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EDGEWRIGHT_EDGEWRIGHT_H_ */
