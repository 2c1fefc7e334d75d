#include "edgewright/litert_model.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "codes.h"
#include "litert_api.h"
#include "one_line.h"

namespace edgewright {
namespace {

using Handle = LiteRtApi::Handle;

// Numbers of LiteRT's C API.
constexpr int kCpu = 1;
constexpr int kForReading = 0;
constexpr int kForWriting = 1;
constexpr std::int32_t kFloat32 = 1;
constexpr std::int32_t kInt8 = 9;
constexpr std::int32_t kInteger = 2;
constexpr LiteRtSetting kSettings[] = {
    {24, {kInteger, kCpu}},  // no search for libraries of other accelerators
    {25, {kInteger, 3}},     // logs errors only
};
// A tensor's type: what its elements are, the number of dimensions, the dimensions, and room for what else there is.
using TypeWords = std::array<std::int32_t, 64>;
constexpr std::uint32_t kRankBits = 0x7F;

Error Failed(const std::string& what) { return CheckError("LiteRT " + what); }

// LiteRT sets up logging, CPU features and accelerators of the whole process; two models must not do so at once.
std::mutex& SetUpMutex() {
  static std::mutex mutex;
  return mutex;
}

// How a tensor of the model stands for a map: channels first or last, float32 or codes.
struct Tensor {
  int channels = 0;
  int height = 0;
  int width = 0;
  Layout layout = Layout::kNchw;
  std::optional<Steps> steps;

  [[nodiscard]] std::size_t plane_size() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
  [[nodiscard]] std::size_t num_elements() const { return static_cast<std::size_t>(channels) * plane_size(); }
  [[nodiscard]] std::size_t size_bytes() const { return num_elements() * (steps ? 1 : sizeof(float)); }
  [[nodiscard]] std::size_t pixel_stride() const {
    return layout == Layout::kNhwc ? static_cast<std::size_t>(channels) : 1;
  }
  [[nodiscard]] std::size_t channel_stride() const { return layout == Layout::kNhwc ? 1 : plane_size(); }
  [[nodiscard]] bool Fits(const TypeWords& type) const {
    if (type[0] != (steps ? kInt8 : kFloat32)) return false;
    if ((static_cast<std::uint32_t>(type[1]) & kRankBits) != 4) return true;  // a vector, whose size is checked
    const bool last = layout == Layout::kNhwc;
    return type[2] == 1 && type[3] == (last ? height : channels) && type[4] == (last ? width : height) &&
           type[5] == (last ? channels : width);
  }
};

// Calls `each` with every index in the tensor and the place of the same element in planes that follow each other.
template <typename Each>
void ForEachElement(const Tensor& tensor, const Each& each) {
  const std::size_t plane_size = tensor.plane_size();
  for (std::size_t c = 0; c < static_cast<std::size_t>(tensor.channels); ++c) {
    std::size_t index = c * tensor.channel_stride();
    for (std::size_t i = 0; i < plane_size; ++i, index += tensor.pixel_stride()) each(index, c * plane_size + i);
  }
}

void WriteTensor(const float* planes, const Tensor& tensor, void* memory) {
  if (tensor.steps) {
    auto* codes = static_cast<std::int8_t*>(memory);
    ForEachElement(tensor, [&](std::size_t to, std::size_t from) { codes[to] = ToCode(planes[from], *tensor.steps); });
  } else {
    auto* reals = static_cast<float*>(memory);
    ForEachElement(tensor, [&](std::size_t to, std::size_t from) { reals[to] = planes[from]; });
  }
}

void ReadTensor(const void* memory, const Tensor& tensor, float* planes) {
  if (tensor.steps) {
    const auto* codes = static_cast<const std::int8_t*>(memory);
    ForEachElement(tensor, [&](std::size_t from, std::size_t to) { planes[to] = ToReal(codes[from], *tensor.steps); });
  } else {
    const auto* reals = static_cast<const float*>(memory);
    ForEachElement(tensor, [&](std::size_t from, std::size_t to) { planes[to] = reals[from]; });
  }
}

Tensor InputTensor(const ModelInput& input) {
  return {3, input.preprocess.height, input.preprocess.width, input.layout, input.steps};
}

class LiteRtModel final : public Network {
 public:
  LiteRtModel(LiteRtApi api, Bytes flatbuffer) : api_(std::move(api)), flatbuffer_(std::move(flatbuffer)) {}
  LiteRtModel(const LiteRtModel&) = delete;
  LiteRtModel& operator=(const LiteRtModel&) = delete;
  ~LiteRtModel() override;

  [[nodiscard]] Status Compile(int num_threads);
  [[nodiscard]] Status Bind(const Manifest& manifest);

  using Network::Run;
  [[nodiscard]] Result<InputPlanes> Input(int width, int height) override;
  [[nodiscard]] Status Run(std::vector<MapView>* maps) override;

 private:
  struct Output {
    std::size_t index = 0;  // among the model's
    Tensor tensor;
    std::vector<float> planes;
  };

  [[nodiscard]] Status BindInput(Handle signature, const ModelInput& declared);
  [[nodiscard]] Status BindOutputs(Handle signature, const std::vector<ModelOutput>& declared);
  [[nodiscard]] Result<Handle> CreateBuffer(Handle tensor, Handle requirements, const Tensor* wanted,
                                            const std::string& what);

  LiteRtApi api_;
  Bytes flatbuffer_;  // the model points into it
  Handle environment_ = nullptr;
  Handle model_ = nullptr;
  Handle options_ = nullptr;
  Handle compiled_ = nullptr;
  Handle input_buffer_ = nullptr;
  std::vector<Handle> output_buffers_;  // in the model's order
  Tensor input_;
  std::vector<float> planes_;
  std::vector<Output> outputs_;  // in the manifest's order
};

LiteRtModel::~LiteRtModel() {
  const std::scoped_lock lock(SetUpMutex());
  const auto destroy = [](LiteRtApi::Destroy function, Handle handle) {
    if (handle != nullptr) function(handle);
  };
  for (const Handle buffer : output_buffers_) destroy(api_.destroy_buffer, buffer);
  destroy(api_.destroy_buffer, input_buffer_);
  destroy(api_.destroy_compiled_model, compiled_);
  destroy(api_.destroy_options, options_);
  destroy(api_.destroy_model, model_);
  destroy(api_.destroy_environment, environment_);
}

Status LiteRtModel::Compile(int num_threads) {
  const std::scoped_lock lock(SetUpMutex());
  if (api_.create_environment(std::size(kSettings), kSettings, &environment_) != 0) return Failed("cannot start");
  if (api_.create_model_from_buffer(environment_, flatbuffer_.data(), flatbuffer_.size(), &model_) != 0) {
    return InputError("LiteRT refuses the .tflite");
  }
  if (api_.create_options(&options_) != 0 || api_.set_hardware(options_, kCpu) != 0) return Failed("takes no options");
  // To its CPU kernels in TOML, which it frees.
  char* text = strdup(("num_threads = " + std::to_string(num_threads) + "\n").c_str());
  Handle threads = nullptr;
  if (api_.create_opaque_options("xnnpack", text, std::free, &threads) != 0) {
    std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): as strdup made it
    return Failed("takes no number of threads");
  }
  if (api_.add_opaque_options(options_, threads) != 0) return Failed("takes no number of threads");
  if (api_.create_compiled_model(environment_, model_, options_, &compiled_) != 0) {
    return InputError("LiteRT cannot prepare the network");
  }
  return Done{};
}

Result<Handle> LiteRtModel::CreateBuffer(Handle tensor, Handle requirements, const Tensor* wanted,
                                         const std::string& what) {
  TypeWords type = {};
  Handle buffer = nullptr;
  if (api_.get_tensor_type(tensor, type.data()) != 0 ||
      api_.create_buffer(environment_, type.data(), requirements, &buffer) != 0) {
    return Failed("gives no memory for " + what);
  }
  std::size_t size_bytes = 0;
  const bool known = api_.get_buffer_bytes(buffer, &size_bytes) == 0;
  if (known && (wanted == nullptr || (wanted->Fits(type) && size_bytes == wanted->size_bytes()))) return buffer;
  api_.destroy_buffer(buffer);
  return CheckError(what + " has another shape or type than the manifest says");
}

Status LiteRtModel::BindInput(Handle signature, const ModelInput& declared) {
  std::size_t num_inputs = 0;
  const char* name = nullptr;
  if (api_.get_num_inputs(signature, &num_inputs) != 0 || num_inputs != 1 ||
      api_.get_input_name(signature, 0, &name) != 0 || declared.name != name) {
    return InputError("the .tflite has no single input " + declared.name);
  }
  Handle tensor = nullptr;
  Handle requirements = nullptr;
  if (api_.get_input_tensor(signature, 0, &tensor) != 0 ||
      api_.get_input_requirements(compiled_, 0, 0, &requirements) != 0) {
    return Failed("does not describe input " + declared.name);
  }
  input_ = InputTensor(declared);
  const Result<Handle> buffer = CreateBuffer(tensor, requirements, &input_, "input " + declared.name);
  if (!buffer.ok()) return buffer.error();
  input_buffer_ = buffer.value();
  planes_.resize(input_.num_elements());
  return Done{};
}

Status LiteRtModel::BindOutputs(Handle signature, const std::vector<ModelOutput>& declared) {
  std::size_t num_outputs = 0;
  if (api_.get_num_outputs(signature, &num_outputs) != 0) return Failed("does not tell the outputs");
  for (const ModelOutput& output : declared) {
    const Tensor tensor{output.channels, output.height, output.width, output.layout, output.steps};
    outputs_.push_back({num_outputs, tensor, std::vector<float>(tensor.num_elements())});
  }
  for (std::size_t i = 0; i < num_outputs; ++i) {
    const char* name = nullptr;
    Handle tensor = nullptr;
    Handle requirements = nullptr;
    if (api_.get_output_name(signature, i, &name) != 0 || api_.get_output_tensor(signature, i, &tensor) != 0 ||
        api_.get_output_requirements(compiled_, 0, i, &requirements) != 0) {
      return Failed("does not describe output " + std::to_string(i));
    }
    const auto is_it = [&](const ModelOutput& output) { return output.name == name; };
    const auto place = std::find_if(declared.begin(), declared.end(), is_it) - declared.begin();
    Output* output =
        place == static_cast<std::ptrdiff_t>(declared.size()) ? nullptr : &outputs_[static_cast<std::size_t>(place)];
    const Tensor* wanted = output == nullptr ? nullptr : &output->tensor;
    const Result<Handle> buffer = CreateBuffer(tensor, requirements, wanted, "output " + OneLine(name));
    if (!buffer.ok()) return buffer.error();
    output_buffers_.push_back(buffer.value());
    if (output != nullptr) output->index = i;
  }
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (outputs_[i].index == num_outputs) return InputError("the .tflite has no output " + declared[i].name);
  }
  return Done{};
}

Status LiteRtModel::Bind(const Manifest& manifest) {
  Handle signature = nullptr;
  if (api_.get_signature(model_, 0, &signature) != 0) return InputError("the .tflite has no signature");
  const Status bound = BindInput(signature, manifest.input);
  return bound.ok() ? BindOutputs(signature, manifest.outputs) : bound;
}

Result<InputPlanes> LiteRtModel::Input(int width, int height) {
  if (width != input_.width || height != input_.height) {
    return InputError("the network's input is " + std::to_string(input_.width) + "x" + std::to_string(input_.height));
  }
  return InputPlanes{planes_.data(), input_.plane_size()};
}

Status LiteRtModel::Run(std::vector<MapView>* maps) {
  void* memory = nullptr;
  if (api_.lock_buffer(input_buffer_, &memory, kForWriting) != 0) return Failed("does not take the input");
  WriteTensor(planes_.data(), input_, memory);
  if (api_.unlock_buffer(input_buffer_) != 0) return Failed("does not take the input");
  if (api_.run(compiled_, 0, 1, &input_buffer_, output_buffers_.size(), output_buffers_.data()) != 0) {
    return Failed("cannot compute the network");
  }
  maps->clear();
  for (Output& output : outputs_) {
    const Handle buffer = output_buffers_[output.index];
    if (api_.lock_buffer(buffer, &memory, kForReading) != 0) return Failed("does not give the outputs");
    ReadTensor(memory, output.tensor, output.planes.data());
    if (api_.unlock_buffer(buffer) != 0) return Failed("does not give the outputs");
    const Tensor& tensor = output.tensor;
    maps->push_back({output.planes.data(), tensor.channels, tensor.height, tensor.width, tensor.plane_size()});
  }
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Network>> LoadLiteRt(Bytes flatbuffer, const Manifest& manifest, int num_threads,
                                            const std::string& library) {
  Result<LiteRtApi> api = OpenLiteRt(library);
  if (!api.ok()) return api.error();
  auto model = std::make_unique<LiteRtModel>(std::move(api.value()), std::move(flatbuffer));
  if (const Status compiled = model->Compile(num_threads); !compiled.ok()) return compiled.error();
  if (const Status bound = model->Bind(manifest); !bound.ok()) return bound.error();
  return std::unique_ptr<Network>(std::move(model));
}

Result<std::string> FindLiteRt(const std::string& library) {
  const Result<LiteRtApi> api = OpenLiteRt(library);
  if (!api.ok()) return api.error();
  return api.value().path;
}

}  // namespace edgewright
