#include "edgewright/pack.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "edgewright/sha256.h"
#include "valid_manifest.h"

namespace fs = std::filesystem;
using edgewright::ErrorKind;
using edgewright::Pack;

namespace {

std::string Digest(const std::string& text) {
  edgewright::Sha256 digest;
  digest.Update(text.data(), text.size());
  return digest.HexDigest();
}

// A whole pack in a folder of its own, removed at the end.
class PackFolder {
 public:
  PackFolder() : path_(fs::temp_directory_path() / ("edgewright-pack-" + std::to_string(std::random_device{}()))) {
    nlohmann::json manifest = ValidManifest();
    for (auto& file : manifest["files"]) {
      const std::string content = "content of " + file["path"].get<std::string>();
      Write(file["path"], content);
      file["size_bytes"] = content.size();
      file["sha256"] = Digest(content);
    }
    WriteManifest(manifest.dump());
  }
  ~PackFolder() { fs::remove_all(path_); }
  PackFolder(const PackFolder&) = delete;
  PackFolder& operator=(const PackFolder&) = delete;

  void Write(const std::string& name, const std::string& content) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }
  void WriteManifest(const std::string& text) const {
    Write("manifest.json", text);
    Write("manifest.json.sha256", Digest(text) + "  manifest.json\n");
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void CheckRefused(const PackFolder& folder, ErrorKind kind, const std::string& what) {
  const auto pack = Pack::Open(folder.path());
  REQUIRE_FALSE(pack.ok());
  CHECK(pack.error().kind == kind);
  CHECK_MESSAGE(pack.error().message.find(what) != std::string::npos, pack.error().message);
}

}  // namespace

TEST_CASE("a whole pack opens, and gives the bytes of its files") {
  const PackFolder folder;
  const auto pack = Pack::Open(folder.path());
  REQUIRE_MESSAGE(pack.ok(), (pack.ok() ? "" : pack.error().message));
  const auto bytes = pack.value().Read("model.bin");
  REQUIRE(bytes.ok());
  CHECK(std::string(bytes.value().begin(), bytes.value().end()) == "content of model.bin");
  CHECK_FALSE(pack.value().Read("manifest.json").ok());
}

TEST_CASE("a file exchanged after opening is not handed out") {
  const PackFolder folder;
  const auto pack = Pack::Open(folder.path());
  REQUIRE(pack.ok());
  folder.Write("model.bin", "Content of model.bin");
  REQUIRE_FALSE(pack.value().Read("model.bin").ok());
  CHECK(pack.value().Read("model.bin").error().kind == ErrorKind::kCheck);
}

TEST_CASE("every damage to a pack is found and named") {
  const PackFolder folder;
  SUBCASE("a flipped byte") {
    folder.Write("model.bin", "content of model.bim");
    CheckRefused(folder, ErrorKind::kCheck, "model.bin: its SHA-256");
  }
  SUBCASE("a longer file") {
    folder.Write("model.bin", "content of model.bin ");
    CheckRefused(folder, ErrorKind::kCheck, "model.bin has 21 bytes");
  }
  SUBCASE("a missing file") {
    fs::remove(folder.path() / "model.bin");
    CheckRefused(folder, ErrorKind::kCheck, "model.bin is missing");
  }
  SUBCASE("one file too many") {
    folder.Write("golden/extra", "");
    CheckRefused(folder, ErrorKind::kCheck, "golden/extra is not in the manifest");
  }
  SUBCASE("a link") {
    fs::remove(folder.path() / "model.bin");
    fs::create_symlink(folder.path() / "model.param", folder.path() / "model.bin");
    CheckRefused(folder, ErrorKind::kCheck, "a pack holds no links");
  }
  SUBCASE("a flipped byte in the manifest") {
    folder.Write("manifest.json", ValidManifest().dump());
    CheckRefused(folder, ErrorKind::kCheck, "its SHA-256 is not the one in manifest.json.sha256");
  }
  SUBCASE("no digest of the manifest") {
    fs::remove(folder.path() / "manifest.json.sha256");
    CheckRefused(folder, ErrorKind::kCheck, "manifest.json.sha256 is missing");
  }
  SUBCASE("no manifest") {
    fs::remove(folder.path() / "manifest.json");
    CheckRefused(folder, ErrorKind::kInput, "not a pack");
  }
  SUBCASE("a manifest that is too large") {
    folder.WriteManifest(std::string((4U << 20U) + 1, ' '));
    CheckRefused(folder, ErrorKind::kInput, "larger than");
  }
}
