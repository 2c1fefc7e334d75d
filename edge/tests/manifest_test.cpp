#include "edgewright/manifest.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "valid_manifest.h"

using edgewright::ParseManifest;
using nlohmann::json;

namespace {

using Pointer = json::json_pointer;

std::string ErrorOf(const json& manifest) {
  const auto parsed = ParseManifest(manifest.dump());
  return parsed.ok() ? "" : parsed.error().message;
}

std::string ErrorWith(const char* pointer, const json& value) {
  json manifest = ValidManifest();
  manifest[Pointer(pointer)] = value;
  return ErrorOf(manifest);
}

bool Mentions(const std::string& message, const std::string& field) { return message.rfind(field + ":", 0) == 0; }

}  // namespace

TEST_CASE("a right manifest is read as it stands") {
  const auto parsed = ParseManifest(ValidManifest().dump());
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().message));
  const edgewright::Manifest& manifest = parsed.value();
  CHECK(manifest.model == "yolo-fastestv2");
  CHECK(manifest.files.size() == 3);
  CHECK(manifest.input.preprocess.width == 64);
  CHECK(manifest.input.preprocess.scale[2] == 0.00392F);
  CHECK(manifest.outputs[1].channels == 8);
  const auto& head = std::get<edgewright::YoloFastestV2Head>(std::get<edgewright::DetectDecode>(manifest.decode).head);
  CHECK(head.scales[1].output == 1);
  CHECK(head.scales[0].anchors_px[0].width == 10.5F);
  CHECK(manifest.golden.tolerance.max_error == 0.0001);
  CHECK_FALSE(manifest.golden.tolerance.min_cosine);
}

TEST_CASE("rewrites may be left out, and are names otherwise") {
  json manifest = ValidManifest();
  for (const json& names : {json::array(), json{"fold-batch-norms", "interleave-shuffles"}}) {
    manifest["provenance"]["rewrites"] = names;
    CHECK(ErrorOf(manifest).empty());
  }
  for (const json& wrong : {json(nullptr), json("one"), json{1}, json{""}, json(std::vector<std::string>(65, "x"))}) {
    manifest["provenance"]["rewrites"] = wrong;
    CAPTURE(wrong);
    CHECK(ErrorOf(manifest).find("provenance.rewrites") != std::string::npos);
  }
}

TEST_CASE("accuracy may be null") { CHECK(ErrorWith("/accuracy", nullptr).empty()); }

TEST_CASE("every missing field and every unknown key is named") {
  for (const std::string kind : kDecodeKinds) {
    const json valid = ValidManifest(kind);
    REQUIRE(ErrorOf(valid).empty());
    const json flat = valid.flatten();
    for (const auto& [path, value] : flat.items()) {
      const Pointer pointer(path);
      if (!valid[pointer.parent_pointer()].is_object() || path.rfind("/provenance/tools", 0) == 0) continue;
      CAPTURE(path);
      json without = valid;
      without[pointer.parent_pointer()].erase(pointer.back());
      const bool optional = path == "/golden/tolerance/min_iou" || path == "/golden/tolerance/min_agreement";
      const std::string message = optional ? " needs one" : pointer.back() + ": missing";
      CHECK(ErrorOf(without).find(message) != std::string::npos);
      json with = valid;
      with[pointer.parent_pointer()]["surprise"] = 1;
      CHECK(ErrorOf(with).find("surprise: unknown key") != std::string::npos);
    }
  }
}

TEST_CASE("every field refuses every value of another type") {
  const std::vector<json> strangers = {nullptr, true, -1.5, "text", json::array(), json::object(), 1e300};
  const std::set<std::string> nullable = {"/golden/tolerance/max_error", "/golden/tolerance/min_cosine",
                                          "/accuracy/score_threshold", "/accuracy/iou_threshold"};
  for (const std::string kind : kDecodeKinds) {
    const json flat = ValidManifest(kind).flatten();
    for (const auto& [path, value] : flat.items()) {
      for (const json& stranger : strangers) {
        const bool same_kind = stranger.type() == value.type() || (value.is_number_float() && stranger.is_number()) ||
                               (path.rfind("/input/preprocess/mean", 0) == 0 && stranger.is_number());
        if (same_kind || (stranger.is_null() && nullable.count(path) != 0)) continue;
        CAPTURE(path);
        CAPTURE(stranger);
        json manifest = ValidManifest(kind);
        manifest[Pointer(path)] = stranger;
        CHECK_FALSE(ErrorOf(manifest).empty());
      }
    }
  }
}

TEST_CASE("values out of range are errors that name the field") {
  CHECK(Mentions(ErrorWith("/input/preprocess/width", 2147483648), "input.preprocess.width"));
  CHECK(Mentions(ErrorWith("/input/preprocess/height", 0), "input.preprocess.height"));
  CHECK(Mentions(ErrorWith("/outputs/0/shape/1", 65537), "outputs.0.shape.1"));
  CHECK(Mentions(ErrorWith("/outputs/0/shape", {13, 2}), "outputs.0.shape"));
  CHECK(Mentions(ErrorWith("/files/0/size_bytes", (std::int64_t{4} << 30) + 1), "files.0.size_bytes"));
  CHECK(Mentions(ErrorWith("/files/0/size_bytes", 18446744073709551615ULL), "files.0.size_bytes"));
  CHECK(Mentions(ErrorWith("/files/0/sha256", std::string(64, 'A')), "files.0.sha256"));
  CHECK(Mentions(ErrorWith("/model", std::string(201, 'x')), "model"));
  CHECK(Mentions(ErrorWith("/model", ""), "model"));
  CHECK(Mentions(ErrorWith("/labels", json::array()), "labels"));
  CHECK(Mentions(ErrorWith("/target", "tensorrt"), "target"));
  CHECK(Mentions(ErrorWith("/golden/tolerance/max_error", -1), "golden.tolerance.max_error"));
}

TEST_CASE("names are counted in characters, not in bytes") {
  std::string two_hundred;
  for (int i = 0; i < 200; ++i) two_hundred += "\xC3\xBC";
  CHECK(ErrorWith("/model", two_hundred).empty());
}

TEST_CASE("paths never leave the pack") {
  for (const char* path :
       {"../model.bin", "/etc/passwd", "a/../b", "./a", "a//b", "a/", "c:model", "a\\b", "..", "."}) {
    CAPTURE(path);
    CHECK(Mentions(ErrorWith("/files/1/path", path), "files.1.path"));
  }
  CHECK(Mentions(ErrorWith("/files/1/path", std::string("a\0b", 3)), "files.1.path"));
  CHECK(ErrorWith("/files/1/path", "a/b.c/..d").empty());
}

TEST_CASE("parts that do not fit together are errors") {
  CHECK(ErrorWith("/files/1/path", "model.param") == "files: model.param is listed twice");
  CHECK(ErrorWith("/entry", "other.param") == "entry: other.param is not among the files");
  CHECK(ErrorWith("/golden/cases/0", "golden/001.safetensors") ==
        "golden.cases: golden/001.safetensors is not among the files");
  CHECK(ErrorWith("/task", "segment") == "decode.kind: does not belong to the task segment");
  CHECK(ErrorWith("/outputs/1/name", "stride16") == "outputs: stride16 is listed twice");
  CHECK(ErrorWith("/labels", {"circle"}) == "outputs: stride16: shape must be [11, 2, 4]");
  CHECK(ErrorWith("/input/preprocess/width", 128) == "outputs: stride16: shape must be [13, 2, 8]");
}

TEST_CASE("an error is one line without control characters, whatever a pack calls its parts") {
  const char* const hostile = "x\n\x1B[2J\x7F";
  CHECK(ErrorWith("/decode/scales/0/output", hostile) == "decode.scales.0.output: x??[2J? is not among the outputs");
  CHECK(ErrorWith("/entry", hostile) == "entry: x??[2J? is not among the files");
  CHECK(ErrorWith("/\n", 1) == "?: unknown key");
}

TEST_CASE("a newer format is told from a broken one") {
  json manifest = {{"format_version", 2}, {"anything", "else"}};
  CHECK(ErrorOf(manifest) == "format_version: 2 is newer than this edgewright reads (1); upgrade it");
  CHECK(Mentions(ErrorWith("/format_version", 0), "format_version"));
  CHECK(Mentions(ErrorWith("/format_version", 1.0), "format_version"));
}

TEST_CASE("what is not a JSON object is an error") {
  for (const char* text : {"", "{", "[]", "null", "1", "{\"a\": NaN}", "{\"a\": 1e999}", "\xff\xfe"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseManifest(text).ok());
  }
}

TEST_CASE("deep nesting does not exhaust the stack") {
  const std::size_t depth = 1000000;
  std::string text = ValidManifest().dump();
  const std::string deep = std::string(depth, '[') + std::string(depth, ']');
  text.replace(text.find("\"yolo-fastestv2\""), std::string("\"yolo-fastestv2\"").size(), deep);
  CHECK_FALSE(ParseManifest(text).ok());
}

TEST_CASE("a manifest cut anywhere is an error") {
  const std::string text = ValidManifest().dump();
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(ParseManifest(text.substr(0, size)).ok());
}
