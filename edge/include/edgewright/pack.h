// A pack on disk (docs/pack.md), opened only when every byte of it is accounted for.
#pragma once

#include <filesystem>
#include <string>

#include "edgewright/file.h"
#include "edgewright/manifest.h"
#include "edgewright/result.h"

namespace edgewright {

class Pack {
 public:
  // Checks, in this order: the digest of manifest.json, its fields, that exactly the listed files exist and none is a
  // link, the size and SHA-256 of each.
  [[nodiscard]] static Result<Pack> Open(const std::filesystem::path& folder);

  // One listed file.  The digest is checked again, on the very bytes that are returned, so that a file exchanged since
  // `Open` never reaches a runtime.
  [[nodiscard]] Result<Bytes> Read(const std::string& path) const;

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const std::string& manifest_sha256() const { return manifest_sha256_; }

 private:
  Pack(std::filesystem::path folder, Manifest manifest, std::string manifest_sha256);
  [[nodiscard]] Status CheckFiles() const;

  std::filesystem::path folder_;
  Manifest manifest_;
  std::string manifest_sha256_;
};

}  // namespace edgewright
