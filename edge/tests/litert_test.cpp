// What can be told without the library; tests/edge/test_litert.py runs it.
#include <doctest/doctest.h>

#include <string>

#include "edgewright/litert_model.h"

namespace {

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string Problem(const std::string& library) {
  const auto found = edgewright::FindLiteRt(library);
  REQUIRE(!found.ok());
  CHECK(found.error().kind == edgewright::ErrorKind::kInput);
  CHECK(!Has(found.error().message, "\n"));
  return found.error().message;
}

}  // namespace

TEST_CASE("without the library of LiteRT there is one line that says so") {
  const std::string absent = "LiteRT: not in this build";
  const std::string missing = Problem("/nowhere/libLiteRt.so");
  CHECK((Has(missing, absent) || Has(missing, "LiteRT: /nowhere/libLiteRt.so: cannot open")));
  const std::string other = Problem("libm.so.6");
  CHECK((Has(other, absent) || Has(other, "libm.so.6 has no LiteRtCreateEnvironment: it is not libLiteRt.so")));
}
