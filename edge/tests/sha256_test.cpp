#include "edgewright/sha256.h"

#include <doctest/doctest.h>

#include <string>

using edgewright::Sha256;

namespace {

std::string Digest(const std::string& text) {
  Sha256 digest;
  digest.Update(text.data(), text.size());
  return digest.HexDigest();
}

}  // namespace

TEST_CASE("sha256 gives the digests of FIPS 180-4") {
  CHECK(Digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(Digest(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 does not depend on how the bytes are cut") {
  const std::string text(1000, 'x');
  for (const std::size_t first : {1, 55, 56, 63, 64, 65, 127, 128, 999}) {
    Sha256 digest;
    digest.Update(text.data(), first);
    digest.Update(text.data() + first, text.size() - first);
    CHECK(digest.HexDigest() == Digest(text));
  }
}
