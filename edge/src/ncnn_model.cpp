#include "edgewright/ncnn_model.h"

#include <cpu.h>
#include <datareader.h>
#include <layer.h>
#include <net.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "ncnn_pool.h"
#include "ncnn_weights.h"
#include "one_line.h"

namespace edgewright {
namespace {

constexpr int kNoHalfStorage = 2;  // in a layer's feature mask

std::string FirstWord(const std::string& line) {
  constexpr const char* kSpace = " \t\r";
  const std::size_t start = std::min(line.find_first_not_of(kSpace), line.size());
  return line.substr(start, line.find_first_of(kSpace, start) - start);
}

// ncnn only says that a network cannot be loaded; the usual reason, a layer that is not built in, has a name.
Status CheckLayers(const std::string& param) {
  std::size_t start = 0;
  for (int number = 1; start < param.size(); ++number) {
    const std::size_t end = std::min(param.find('\n', start), param.size());
    const std::string type = FirstWord(param.substr(start, end - start));
    start = end + 1;
    if (number <= 2 || type.empty()) continue;  // magic and counts
    const std::unique_ptr<ncnn::Layer> layer(ncnn::create_layer_cpu(type.c_str()));
    if (!layer) return InputError("layer " + OneLine(type.substr(0, 80)) + " is not in this build of ncnn");
  }
  return Done{};
}

// A vector, as a linear layer gives it, is a map of 1x1 pixels.
MapView View(const ncnn::Mat& mat) {
  const auto* data = static_cast<const float*>(mat.data);
  if (mat.dims == 1) return {data, mat.w, 1, 1, 1};
  return {data, mat.c, mat.h, mat.w, mat.cstep};
}

void SetHalfPrecision(bool half, ncnn::Option* option) {
  option->use_fp16_packed = half;
  option->use_fp16_storage = half;
  option->use_fp16_arithmetic = half;
  option->use_bf16_storage = false;
  option->use_bf16_packed = false;
}

// Where the CPU computes in half precision, ncnn converts nothing for a layer whose mask keeps it in float32: it would
// take the bits of half-precision values, and read past their end.  These give float32 to whoever reads them.
bool GivesFloat32(const ncnn::Layer& layer) {
  return (layer.featmask & kNoHalfStorage) != 0 || layer.type == "Input" || layer.type == "MemoryData" ||
         layer.type == "Permute";
}

// On every CPU, so that a model is good everywhere or nowhere.
Status CheckMasks(const ncnn::Net& net) {
  for (const ncnn::Layer* layer : net.layers()) {
    if ((layer->featmask & kNoHalfStorage) == 0) continue;
    for (const int blob : layer->bottoms) {
      const int producer = net.blobs()[static_cast<std::size_t>(blob)].producer;
      if (producer < 0 || GivesFloat32(*net.layers()[static_cast<std::size_t>(producer)])) continue;
      return InputError(
          "layer " + OneLine(layer->name.substr(0, 80)) +
          " is kept in float32 by its mask (31=), and reads half precision; a Permute must stand between");
    }
  }
  return Done{};
}

// ncnn keeps what it finds out about the CPU in globals, which it fills on first use without a lock: two models that
// are loaded at the same time would both do it.
void FindOutAboutCpu() {
  static const int kNumCores = ncnn::get_cpu_count();
  static_cast<void>(kNumCores);
}

int FindBlob(const std::vector<const char*>& names, const std::vector<int>& indexes, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : indexes[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace

struct NcnnModel::Impl {
  Bytes bin;      // the weights of `net` point into it
  NcnnPool pool;  // outlives what was allocated from it
  ncnn::Net net;
  std::vector<std::string> output_names;
  int input = -1;  // blob indexes
  std::vector<int> outputs;
  ncnn::Mat input_mat;
  std::vector<ncnn::Mat> output_mats;
};

NcnnModel::NcnnModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NcnnModel::NcnnModel(NcnnModel&&) noexcept = default;
NcnnModel& NcnnModel::operator=(NcnnModel&&) noexcept = default;
NcnnModel::~NcnnModel() = default;

Result<NcnnModel> NcnnModel::Load(const Bytes& param, Bytes bin, NcnnOptions options) {
  FindOutAboutCpu();
  const std::string text(param.begin(), param.end());
  if (const Status layers = CheckLayers(text); !layers.ok()) return layers.error();

  auto impl = std::make_unique<Impl>();
  impl->bin = std::move(bin);
  impl->net.opt.num_threads = options.num_threads;
  SetHalfPrecision(options.half_precision, &impl->net.opt);
  const auto* text_position = reinterpret_cast<const unsigned char*>(text.c_str());
  if (impl->net.load_param(ncnn::DataReaderFromMemory(text_position, text.size())) != 0) {
    return InputError("ncnn refuses the .param");
  }
  if (options.half_precision) {
    if (const Status masks = CheckMasks(impl->net); !masks.ok()) return masks.error();
  }
  const WeightsReader weights(impl->net, impl->bin);
  if (impl->net.load_model(weights) != 0 || !weights.complete()) return InputError("ncnn refuses the .bin");
  if (weights.num_left() != 0) return InputError("the .bin is longer than the .param asks for");

  impl->net.opt.blob_allocator = &impl->pool;  // from now on: what is loaded stays as it is
  impl->net.opt.workspace_allocator = &impl->pool;
  impl->input = FindBlob(impl->net.input_names(), impl->net.input_indexes(), options.input);
  if (impl->input < 0) return InputError("the .param has no input blob " + options.input);
  for (const std::string& name : options.outputs) {
    impl->outputs.push_back(FindBlob(impl->net.output_names(), impl->net.output_indexes(), name));
    if (impl->outputs.back() < 0) return InputError("the .param has no output blob " + name);
  }
  impl->output_names = std::move(options.outputs);
  impl->output_mats.resize(impl->outputs.size());
  return NcnnModel(std::move(impl));
}

Result<InputPlanes> NcnnModel::Input(int width, int height) {
  impl_->input_mat.create(width, height, 3);
  if (impl_->input_mat.empty()) return InputError("out of memory for the network's input");
  return InputPlanes{static_cast<float*>(impl_->input_mat.data), impl_->input_mat.cstep};
}

Status NcnnModel::Run(std::vector<MapView>* maps) {
  if (impl_->input_mat.empty()) return InputError("the network's input was never written");
  ncnn::Extractor extractor = impl_->net.create_extractor();
  if (extractor.input(impl_->input, impl_->input_mat) != 0) return CheckError("ncnn refuses the input");
  maps->clear();
  for (std::size_t i = 0; i < impl_->outputs.size(); ++i) {
    ncnn::Mat& mat = impl_->output_mats[i];
    if (extractor.extract(impl_->outputs[i], mat) != 0) {
      return CheckError("ncnn cannot compute output " + impl_->output_names[i]);
    }
    if ((mat.dims != 3 && mat.dims != 1) || mat.elemsize != sizeof(float) || mat.elempack != 1) {
      return CheckError("output " + impl_->output_names[i] + " is not a map of float32 channels");
    }
    maps->push_back(View(mat));
  }
  return Done{};
}

Result<std::vector<LayerTime>> NcnnModel::Profile(const float* planes, int width, int height) {
  if (const Status written = Write(planes, width, height); !written.ok()) return written.error();
  ncnn::Extractor extractor = impl_->net.create_extractor();
  extractor.set_light_mode(false);  // a result that is not kept would be computed again for each of its readers
  if (extractor.input(impl_->input, impl_->input_mat) != 0) return CheckError("ncnn refuses the input");
  std::vector<LayerTime> times;
  for (const ncnn::Layer* layer : impl_->net.layers()) {
    if (layer->bottoms.empty() || layer->tops.empty()) continue;
    constexpr int kAsComputed = 1;  // neither unpacked nor converted
    ncnn::Mat result;
    const auto start = std::chrono::steady_clock::now();
    const int failed = extractor.extract(layer->tops.front(), result, kAsComputed);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (failed != 0) return CheckError("ncnn cannot compute layer " + layer->name);
    times.push_back({layer->type, layer->name, elapsed.count()});
  }
  return times;
}

const char* NcnnVersion() { return NCNN_VERSION_STRING; }

}  // namespace edgewright
