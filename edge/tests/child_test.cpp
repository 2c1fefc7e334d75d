#include "child.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

using edgebench::RunInChild;
using edgewright::ErrorKind;
using edgewright::Result;

TEST_CASE("a child's value arrives whole, whatever its size and bytes") {
  std::string text(3000000, 'x');
  text[1] = '\0';
  text[2] = '\n';
  const auto result = RunInChild([&]() -> Result<std::string> { return text; });
  REQUIRE(result.ok());
  CHECK(result.value() == text);
}

TEST_CASE("a child is a process of its own") {
  int number = 1;
  const auto result = RunInChild([&]() -> Result<std::string> {
    number = 2;
    return std::to_string(getpid());
  });
  REQUIRE(result.ok());
  CHECK(result.value() != std::to_string(getpid()));
  CHECK(number == 1);
}

TEST_CASE("a child's error arrives with its kind and its words") {
  const auto input = RunInChild([]() -> Result<std::string> { return edgewright::InputError("no such pack"); });
  REQUIRE_FALSE(input.ok());
  CHECK(input.error().kind == ErrorKind::kInput);
  CHECK(input.error().message == "no such pack");
  const auto check = RunInChild([]() -> Result<std::string> { return edgewright::CheckError("digest"); });
  REQUIRE_FALSE(check.ok());
  CHECK(check.error().kind == ErrorKind::kCheck);
}

TEST_CASE("a child that is killed is an error") {
  const auto killed = RunInChild([]() -> Result<std::string> {
    raise(SIGKILL);
    return std::string();
  });
  REQUIRE_FALSE(killed.ok());
  CHECK(killed.error().message == "the measurement was ended by signal 9");
}
