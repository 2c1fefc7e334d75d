// Manifests that are right in every field, for tests to break.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

inline nlohmann::json ValidDetector() {
  const std::string digest(64, 'a');
  return nlohmann::json::parse(R"({
    "format_version": 1, "model": "yolo-fastestv2", "task": "detect", "target": "ncnn", "precision": "fp32",
    "num_parameters": 250000, "entry": "model.param",
    "files": [
      {"path": "golden/000.safetensors", "size_bytes": 10, "sha256": ")" +
                               digest + R"("},
      {"path": "model.bin", "size_bytes": 20, "sha256": ")" +
                               digest + R"("},
      {"path": "model.param", "size_bytes": 30, "sha256": ")" +
                               digest + R"("}],
    "input": {"name": "image", "kind": "tensor", "layout": "nchw",
      "preprocess": {"width": 64, "height": 32, "colour_order": "bgr", "resize": "stretch", "interpolation": "linear",
                     "mean": [0, 0.0, 0], "scale": [0.00392, 0.00392, 0.00392]}},
    "outputs": [{"name": "stride16", "layout": "nchw", "shape": [13, 2, 4]},
                {"name": "stride32", "layout": "nchw", "shape": [8, 1, 2]}],
    "decode": {"kind": "yolo-fastestv2", "score_threshold": 0.3, "iou_threshold": 0.4, "max_detections": 300,
      "scales": [{"output": "stride16", "stride": 16, "anchors_px": [[10.5, 20], [30, 40]]},
                 {"output": "stride32", "stride": 32, "anchors_px": [[50, 60]]}]},
    "labels": ["circle", "square", "triangle"],
    "golden": {"cases": ["golden/000.safetensors"],
      "tolerance": {"max_error": 0.0001, "min_cosine": null, "min_iou": 0.99, "max_score_diff": 0.001}},
    "accuracy": {"dataset": "shapes", "dataset_sha256": ")" +
                               digest + R"(", "num_images": 100, "metric": "AP50",
      "value": 0.6, "source_value": 0.6, "score_threshold": 0.001, "iou_threshold": 0.4},
    "provenance": {"checkpoint_sha256": ")" +
                               digest + R"(", "origin": "run shapes", "tools": {"torch": "2.13.0"},
      "created_utc": "2026-11-22T00:00:00Z"}})");
}

inline const char* const kDecodeKinds[] = {"yolo-fastestv2", "yolo", "ssd", "classify", "segment"};

// Of one kind of decode.
inline nlohmann::json ValidManifest(const std::string& kind = "yolo-fastestv2") {
  using nlohmann::json;
  json manifest = ValidDetector();
  if (kind == "yolo") {
    manifest["outputs"] = json::parse(R"([{"name": "head", "layout": "nchw", "shape": [16, 2, 4]}])");
    manifest["decode"] = json::parse(R"({
      "kind": "yolo", "score_threshold": 0.25, "iou_threshold": 0.45, "max_detections": 300,
      "scales": [{"output": "head", "stride": 16, "anchors_px": [[10.5, 20], [30, 40]], "scale_x_y": 1.05,
                  "new_coords": false}]})");
  } else if (kind == "ssd") {
    manifest["outputs"] = json::parse(R"([{"name": "fine", "layout": "nchw", "shape": [16, 4, 7]},
                                          {"name": "coarse", "layout": "nchw", "shape": [8, 1, 1]}])");
    manifest["decode"] = json::parse(R"({
      "kind": "ssd", "score_threshold": 0.25, "iou_threshold": 0.45, "max_detections": 200, "width": 64, "height": 32,
      "scales": [{"output": "fine", "stride_wh": [9.5, 8], "priors_wh": [[0.1, 0.2], [0.5, 0.25]]},
                 {"output": "coarse", "stride_wh": [64, 32], "priors_wh": [[1, 0.75]]}]})");
  } else if (kind == "classify" || kind == "segment") {
    const json shape = kind == "classify" ? json{3, 1, 1} : json{3, 16, 32};
    manifest["task"] = kind;
    manifest["outputs"] = {{{"name", "logits"}, {"layout", "nchw"}, {"shape", shape}}};
    manifest["decode"] = {{"kind", kind}, {"output", "logits"}};
    if (kind == "classify") manifest["decode"]["activation"] = "softmax";
    json& tolerance = manifest["golden"]["tolerance"];
    tolerance.erase("min_iou");
    if (kind == "segment") tolerance["min_agreement"] = 0.999;
    manifest["accuracy"]["metric"] = kind == "classify" ? "top1" : "mIoU";
    manifest["accuracy"]["score_threshold"] = nullptr;
    manifest["accuracy"]["iou_threshold"] = nullptr;
  }
  return manifest;
}
