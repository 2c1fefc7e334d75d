// What the manifest's `decode` may say, by kind.
#include <doctest/doctest.h>

#include <string>

#include "edgewright/manifest.h"
#include "valid_manifest.h"

using edgewright::ParseManifest;
using nlohmann::json;

namespace {

using Pointer = json::json_pointer;

edgewright::Decode DecodeOf(const std::string& kind) {
  const auto parsed = ParseManifest(ValidManifest(kind).dump());
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().message));
  return parsed.value().decode;
}

std::string ErrorWith(const std::string& kind, const std::string& pointer, const json& value) {
  json manifest = ValidManifest(kind);
  manifest[Pointer(pointer)] = value;
  const auto parsed = ParseManifest(manifest.dump());
  return parsed.ok() ? "" : parsed.error().message;
}

// An error that begins with the field's path.
bool Refuses(const std::string& kind, const std::string& pointer, const json& value) {
  std::string field = pointer.substr(1);
  for (char& c : field) c = c == '/' ? '.' : c;
  return ErrorWith(kind, pointer, value).rfind(field + ":", 0) == 0;
}

}  // namespace

TEST_CASE("every kind of decode is read as it stands") {
  const auto yolo = std::get<edgewright::DetectDecode>(DecodeOf("yolo"));
  CHECK(yolo.score_threshold == 0.25F);
  const auto& head = std::get<edgewright::YoloHead>(yolo.head).scales[0];
  CHECK(head.anchors_px[1].height == 40);
  CHECK(head.scale_x_y == 1.05F);
  CHECK_FALSE(head.new_coords);

  const auto ssd = std::get<edgewright::SsdHead>(std::get<edgewright::DetectDecode>(DecodeOf("ssd")).head);
  CHECK(ssd.size.width == 64);
  CHECK(ssd.scales[0].stride.width == 9.5F);
  CHECK(ssd.scales[1].output == 1);
  CHECK(ssd.scales[1].priors[0].height == 0.75F);

  CHECK(std::get<edgewright::ClassifyDecode>(DecodeOf("classify")).activation == edgewright::ClassActivation::kSoftmax);
  CHECK(std::get<edgewright::SegmentDecode>(DecodeOf("segment")).output == 0);
  for (const char* kind : kDecodeKinds) {
    const std::string task = ValidManifest(kind)["task"];
    CHECK(edgewright::TaskName(DecodeOf(kind)) == task);
  }
}

TEST_CASE("values out of range are errors that name the field") {
  for (const std::string kind : {"yolo-fastestv2", "yolo"}) {
    CHECK(Refuses(kind, "/decode/scales/0/stride", 0));
    CHECK(Refuses(kind, "/decode/scales/0/stride", 1025));
    CHECK(Refuses(kind, "/decode/scales/0/anchors_px/0/0", 0));
    CHECK(Refuses(kind, "/decode/scales/0/anchors_px/0/1", 8193));
    CHECK(Refuses(kind, "/decode/scales/0/anchors_px/0", {1, 2, 3}));
    CHECK(Refuses(kind, "/decode/scales/0/anchors_px", json::array()));
  }
  CHECK(Refuses("yolo", "/decode/scales/0/scale_x_y", 0.99));
  CHECK(Refuses("yolo", "/decode/scales/0/scale_x_y", 4.01));
  CHECK(Refuses("yolo", "/decode/scales/0/new_coords", 1));
  CHECK(Refuses("ssd", "/decode/scales/0/stride_wh/0", 0));
  CHECK(Refuses("ssd", "/decode/scales/0/stride_wh", 8));
  CHECK(Refuses("ssd", "/decode/scales/0/priors_wh/0/0", 1.01));
  CHECK(Refuses("ssd", "/decode/scales/0/priors_wh/1/1", 0));
  CHECK(Refuses("ssd", "/decode/width", 8193));
  for (const std::string kind : {"yolo-fastestv2", "yolo", "ssd"}) {
    CHECK(Refuses(kind, "/decode/score_threshold", 1.01));
    CHECK(Refuses(kind, "/decode/iou_threshold", -0.01));
    CHECK(Refuses(kind, "/decode/max_detections", 10001));
    CHECK(Refuses(kind, "/decode/scales", json::array()));
  }
  CHECK(Refuses("classify", "/decode/activation", "tanh"));
  CHECK(Refuses("classify", "/decode/kind", "regress"));
}

TEST_CASE("outputs that do not fit the kind of decode are errors") {
  for (const char* scaled : {"yolo-fastestv2", "yolo", "ssd"}) CHECK(Refuses(scaled, "/decode/scales/0/output", "x"));
  for (const char* plain : {"classify", "segment"}) CHECK(Refuses(plain, "/decode/output", "x"));
  CHECK(ErrorWith("yolo", "/outputs/0/shape/0", 17) == "outputs: head: shape must be [16, 2, 4]");
  CHECK(ErrorWith("yolo", "/outputs/0/shape/2", 5) == "outputs: head: shape must be [16, 2, 4]");
  CHECK(ErrorWith("ssd", "/outputs/1/shape/0", 9) == "outputs: coarse: shape must be [8, any, any]");
  CHECK(ErrorWith("ssd", "/outputs/1/shape/2", 9).empty());
  CHECK(ErrorWith("ssd", "/decode/width", 65) == "decode: 65x32 is not the size of the input");
  CHECK(ErrorWith("classify", "/outputs/0/shape/1", 2) == "outputs: logits: shape must be [3, 1, 1]");
  CHECK(ErrorWith("segment", "/outputs/0/shape/0", 2) == "outputs: logits: shape must be [3, any, any]");
  CHECK(ErrorWith("segment", "/outputs/0/shape/1", 999).empty());
}

TEST_CASE("a scale whose output fits another scale only is an error") {
  json manifest = ValidManifest("ssd");
  manifest["decode"]["scales"][0]["output"] = "coarse";
  const auto parsed = ParseManifest(manifest.dump());
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().message == "outputs: coarse: shape must be [16, any, any]");
}
