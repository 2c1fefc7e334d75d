#include "litert_api.h"

#include <dlfcn.h>

#include "one_line.h"

namespace edgewright {
namespace {

constexpr const char* kDefaultName = "libLiteRt.so";
constexpr const char* kRemedy = "; give the path of libLiteRt.so (edgebench: --runtime-library), see docs/devices.md";

// Looks functions up; keeps the name of the first that is missing.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <typename Function>
  void Find(const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(library_, name));
    if (*function == nullptr && missing_.empty()) missing_ = name;
  }
  [[nodiscard]] const std::string& missing() const { return missing_; }

 private:
  void* library_;
  std::string missing_;
};

std::string PathOf(void* function, const std::string& name) {
  Dl_info info{};
  return dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : name;
}

}  // namespace

Result<LiteRtApi> OpenLiteRt(const std::string& library) {
  const std::string name = library.empty() ? kDefaultName : library;
  void* opened = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    const char* reason = dlerror();
    return InputError("LiteRT: " + OneLine(reason == nullptr ? name : reason) + kRemedy);
  }
  LiteRtApi api;
  Symbols symbols(opened);
  symbols.Find("LiteRtCreateEnvironment", &api.create_environment);
  symbols.Find("LiteRtCreateModelFromBuffer", &api.create_model_from_buffer);
  symbols.Find("LiteRtCreateOptions", &api.create_options);
  symbols.Find("LiteRtSetOptionsHardwareAccelerators", &api.set_hardware);
  symbols.Find("LiteRtCreateOpaqueOptions", &api.create_opaque_options);
  symbols.Find("LiteRtAddOpaqueOptions", &api.add_opaque_options);
  symbols.Find("LiteRtCreateCompiledModel", &api.create_compiled_model);
  symbols.Find("LiteRtGetModelSignature", &api.get_signature);
  symbols.Find("LiteRtGetNumSignatureInputs", &api.get_num_inputs);
  symbols.Find("LiteRtGetNumSignatureOutputs", &api.get_num_outputs);
  symbols.Find("LiteRtGetSignatureInputName", &api.get_input_name);
  symbols.Find("LiteRtGetSignatureOutputName", &api.get_output_name);
  symbols.Find("LiteRtGetSignatureInputTensorByIndex", &api.get_input_tensor);
  symbols.Find("LiteRtGetSignatureOutputTensorByIndex", &api.get_output_tensor);
  symbols.Find("LiteRtGetRankedTensorType", &api.get_tensor_type);
  symbols.Find("LiteRtGetCompiledModelInputBufferRequirements", &api.get_input_requirements);
  symbols.Find("LiteRtGetCompiledModelOutputBufferRequirements", &api.get_output_requirements);
  symbols.Find("LiteRtCreateManagedTensorBufferFromRequirements", &api.create_buffer);
  symbols.Find("LiteRtGetTensorBufferPackedSize", &api.get_buffer_bytes);
  symbols.Find("LiteRtLockTensorBuffer", &api.lock_buffer);
  symbols.Find("LiteRtUnlockTensorBuffer", &api.unlock_buffer);
  symbols.Find("LiteRtRunCompiledModel", &api.run);
  symbols.Find("LiteRtDestroyEnvironment", &api.destroy_environment);
  symbols.Find("LiteRtDestroyModel", &api.destroy_model);
  symbols.Find("LiteRtDestroyOptions", &api.destroy_options);
  symbols.Find("LiteRtDestroyCompiledModel", &api.destroy_compiled_model);
  symbols.Find("LiteRtDestroyTensorBuffer", &api.destroy_buffer);
  // Not called.  What lacks it, LiteRT before 2.1.6, has the functions above with other arguments, and would crash.
  void (*since_2_1_6)() = nullptr;
  symbols.Find("LiteRtCreateModelFromFd", &since_2_1_6);
  if (!symbols.missing().empty()) {
    return InputError("LiteRT: " + OneLine(name) + " has no " + symbols.missing() +
                      ": it is not libLiteRt.so of LiteRT 2.1.6 or newer" + kRemedy);
  }
  api.path = PathOf(reinterpret_cast<void*>(api.create_environment), name);
  return api;
}

}  // namespace edgewright
