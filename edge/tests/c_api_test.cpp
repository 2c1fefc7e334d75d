#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "edgewright/edgewright.h"

extern "C" int UseFromC(const char* folder, char* error, size_t error_size);

TEST_CASE("a pack that is not there is wrong input, with the reason, also from C") {
  char error[256] = "";
  CHECK(UseFromC("/does/not/exist", error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(std::string(error).find("/does/not/exist") != std::string::npos);
}

TEST_CASE("a reason is cut to the room there is for it, zero included") {
  char error[8] = "xxxxxxx";
  CHECK(UseFromC("/does/not/exist", error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(std::strlen(error) == 7);
  CHECK(UseFromC("/does/not/exist", nullptr, 0) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(UseFromC("/does/not/exist", error, 0) == EDGEWRIGHT_WRONG_INPUT);
}

TEST_CASE("nothing where a model, an image or a folder should be is wrong input") {
  char error[256] = "";
  edgewright_model* model = nullptr;
  edgewright_result result;
  CHECK(edgewright_load(nullptr, 1, &model, error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(edgewright_load("/", 0, &model, error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(std::string(error) == "num_threads: 0; give at least 1");
  CHECK(edgewright_predict(nullptr, nullptr, &result, error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(edgewright_set_thresholds(nullptr, 0.5F, 0.5F, error, sizeof(error)) == EDGEWRIGHT_WRONG_INPUT);
  CHECK(edgewright_num_labels(nullptr) == 0);
  CHECK(edgewright_label(nullptr, 0) == nullptr);
  edgewright_free(nullptr);
}
