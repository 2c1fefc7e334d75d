#include "edgewright/safetensors.h"

#include <doctest/doctest.h>

#include <string>

using edgewright::Bytes;
using edgewright::ParseSafetensors;
using edgewright::TensorType;

namespace {

Bytes File(const std::string& header, std::size_t payload_size) {
  Bytes file;
  for (unsigned i = 0; i < 8; ++i) file.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  file.insert(file.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < payload_size; ++i) file.push_back(static_cast<std::uint8_t>(i));
  return file;
}

std::string Entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::string ErrorOf(const std::string& header, std::size_t payload_size) {
  const auto tensors = ParseSafetensors(File(header, payload_size));
  return tensors.ok() ? "" : tensors.error().message;
}

}  // namespace

TEST_CASE("a tensor comes back with its type, shape and bytes") {
  const auto tensors = ParseSafetensors(File(Entry("U8", "[2,3]", "[1,7]"), 8));
  REQUIRE(tensors.ok());
  const auto tensor = edgewright::FindTensor(tensors.value(), "t", TensorType::kUint8, {2, -1});
  REQUIRE(tensor.ok());
  CHECK(tensor.value()->num_elements() == 6);
  CHECK(tensor.value()->as<std::uint8_t>()[0] == 1);
  CHECK_FALSE(edgewright::FindTensor(tensors.value(), "t", TensorType::kFloat32, {2, 3}).ok());
  CHECK_FALSE(edgewright::FindTensor(tensors.value(), "t", TensorType::kUint8, {2, 3, 1}).ok());
  CHECK_FALSE(edgewright::FindTensor(tensors.value(), "u", TensorType::kUint8, {2, 3}).ok());
}

TEST_CASE("a file cut anywhere is an error") {
  const Bytes whole = File(Entry("F32", "[2,3]", "[0,24]"), 24);
  REQUIRE(ParseSafetensors(whole).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(ParseSafetensors(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).ok());
  }
}

TEST_CASE("hostile headers are errors that say what is wrong") {
  CHECK(ErrorOf(Entry("U8", "[4294967296,4294967296]", "[0,8]"), 8) == "safetensors: t: shape is larger than the file");
  CHECK(ErrorOf(Entry("U8", "[18446744073709551615]", "[0,8]"), 8) == "safetensors: t: shape is larger than the file");
  CHECK(ErrorOf(Entry("U8", "[8]", "[0,9]"), 8) == "safetensors: t: data_offsets lie outside the file");
  CHECK(ErrorOf(Entry("U8", "[8]", "[8,0]"), 8) == "safetensors: t: data_offsets lie outside the file");
  CHECK(ErrorOf(Entry("U8", "[7]", "[0,8]"), 8) == "safetensors: t: shape and data_offsets disagree");
  CHECK(ErrorOf(Entry("U8", "[-8]", "[0,8]"), 8) == "safetensors: t: shape must be a list of sizes");
  CHECK(ErrorOf(Entry("F16", "[4]", "[0,8]"), 8) == "safetensors: t: dtype must be U8, U16, F32 or I64");
  CHECK(ErrorOf(R"({"t":[]})", 8) == "safetensors: t: needs dtype, shape and data_offsets, and nothing else");
  CHECK(ErrorOf("[]", 8) == "safetensors: the header is not a JSON object");
  CHECK(ErrorOf("{", 8) == "safetensors: the header is not a JSON object");
}

TEST_CASE("an error is one line, whatever a tensor is called") {
  CHECK(ErrorOf(R"({"a\n\u001b":{}})", 0) == "safetensors: a??: needs dtype, shape and data_offsets, and nothing else");
}

TEST_CASE("no single byte of the header can do harm") {
  const Bytes whole = File(Entry("U8", "[2,3]", "[1,7]"), 8);
  for (std::size_t i = 0; i + 8 < whole.size(); ++i) {
    for (const int flip : {0x01, 0x10, 0x80, 0xFF}) {
      Bytes damaged = whole;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ flip);
      const auto tensors = ParseSafetensors(damaged);
      if (!tensors.ok()) continue;
      for (const auto& [name, tensor] : tensors.value()) CHECK(tensor.data.size() <= 8);
    }
  }
}
