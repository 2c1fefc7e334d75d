// LiteRT's C API as far as it is called here, taken from a library at run time: there are no headers to build with.
// Every call gives 0 when it has done its work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "edgewright/result.h"

namespace edgewright {

// What an environment is made with; laid out as the library reads it.
struct LiteRtSetting {
  std::int32_t setting;
  struct {
    std::int32_t type;
    std::int64_t integer;
  } value;
};

struct LiteRtApi {
  using Handle = void*;
  template <typename... Arguments>
  using Call = int (*)(Arguments...);
  using Destroy = void (*)(Handle);
  using Count = std::size_t;

  Call<int, const LiteRtSetting*, Handle*> create_environment = nullptr;
  Call<Handle, const void*, Count, Handle*> create_model_from_buffer = nullptr;  // the buffer must outlive the model
  Call<Handle*> create_options = nullptr;
  Call<Handle, int> set_hardware = nullptr;
  Call<const char*, void*, void (*)(void*), Handle*> create_opaque_options = nullptr;
  Call<Handle, Handle> add_opaque_options = nullptr;  // which then belong to the options
  Call<Handle, Handle, Handle, Handle*> create_compiled_model = nullptr;
  Call<Handle, Count, Handle*> get_signature = nullptr;
  Call<Handle, Count*> get_num_inputs = nullptr;
  Call<Handle, Count*> get_num_outputs = nullptr;
  Call<Handle, Count, const char**> get_input_name = nullptr;
  Call<Handle, Count, const char**> get_output_name = nullptr;
  Call<Handle, Count, Handle*> get_input_tensor = nullptr;
  Call<Handle, Count, Handle*> get_output_tensor = nullptr;
  Call<Handle, void*> get_tensor_type = nullptr;
  Call<Handle, Count, Count, Handle*> get_input_requirements = nullptr;
  Call<Handle, Count, Count, Handle*> get_output_requirements = nullptr;
  Call<Handle, const void*, Handle, Handle*> create_buffer = nullptr;
  Call<Handle, Count*> get_buffer_bytes = nullptr;
  Call<Handle, void**, int> lock_buffer = nullptr;
  Call<Handle> unlock_buffer = nullptr;
  Call<Handle, Count, Count, Handle*, Count, Handle*> run = nullptr;
  Destroy destroy_environment = nullptr;
  Destroy destroy_model = nullptr;
  Destroy destroy_options = nullptr;
  Destroy destroy_compiled_model = nullptr;
  Destroy destroy_buffer = nullptr;

  std::string path;  // of the library
};

// Stays open, also one that is refused: what such a library starts when it is opened crashes when it is closed.
[[nodiscard]] Result<LiteRtApi> OpenLiteRt(const std::string& library);

}  // namespace edgewright
