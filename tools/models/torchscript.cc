// sarai-torchscript: TorchScript models without Python's torch.
//
//   sarai-torchscript write MODEL.pt SOURCE.py PARAMETERS.safetensors [FILE…]
//       a module with these parameters and these methods (TorchScript source, `def forward(self,
//       …)`); later parameter files replace tensors of earlier ones
//   sarai-torchscript run MODEL.pt INPUTS.safetensors OUTPUTS.safetensors
//       LibTorch's own answer: inputs in name order; outputs are named "0", "1", …
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <torch/script.h>

#include "safetensors.h"

namespace {

using sarai::DataType;
using sarai::Tensor;

constexpr std::pair<DataType, at::ScalarType> kTypes[] = {
    {DataType::kFp32, at::kFloat},    {DataType::kFp64, at::kDouble}, {DataType::kFp16, at::kHalf},
    {DataType::kBf16, at::kBFloat16}, {DataType::kInt64, at::kLong},  {DataType::kInt32, at::kInt},
    {DataType::kInt16, at::kShort},   {DataType::kInt8, at::kChar},   {DataType::kUint8, at::kByte},
    {DataType::kBool, at::kBool},
};

at::Tensor ToTorch(const Tensor& tensor) {
  for (const auto& [ours, theirs] : kTypes)
    if (ours == tensor.type)
      return torch::from_blob(const_cast<std::byte*>(tensor.data.data()), tensor.shape, theirs)
          .clone();
  throw std::invalid_argument("tensor " + tensor.name + " has a type that torch lacks");
}

Tensor FromTorch(std::string name, const at::Tensor& value) {
  const at::Tensor whole = value.contiguous();
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == whole.scalar_type())
      return {std::move(name), ours, whole.sizes().vec(),
              sarai::Blob::Copy({static_cast<const std::byte*>(whole.data_ptr()), whole.nbytes()})};
  throw std::invalid_argument("output " + name + " has a type that cannot be written");
}

std::string ReadText(const char* path) {
  std::ifstream in(path);
  if (!in) throw std::invalid_argument(std::string("cannot open ") + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::map<std::string, at::Tensor> ReadTensors(int count, char** paths) {
  std::map<std::string, at::Tensor> tensors;
  for (int i = 0; i < count; ++i) {
    auto file = sarai::tools::ReadSafetensors(paths[i]);
    if (!file) throw std::invalid_argument(file.error().message());
    for (const Tensor& tensor : *file) tensors[tensor.name] = ToTorch(tensor);
  }
  return tensors;
}

void Write(const char* model, const char* source, int count, char** parameters) {
  torch::jit::Module module("Model");
  for (auto& [name, tensor] : ReadTensors(count, parameters)) {
    if (tensor.is_floating_point()) {
      module.register_parameter(name, tensor, /*is_buffer=*/false);
    } else {
      module.register_buffer(name, tensor);
    }
  }
  module.register_attribute("training", c10::BoolType::get(), false);
  module.define(ReadText(source));
  module.save(model);
}

void RunModel(const char* model, char** input_file, const char* output_file) {
  torch::jit::Module module = torch::jit::load(model);
  module.eval();
  const c10::InferenceMode guard;
  std::vector<c10::IValue> inputs;
  for (auto& [name, tensor] : ReadTensors(1, input_file)) inputs.emplace_back(tensor);
  const c10::IValue result = module.forward(inputs);
  std::vector<Tensor> outputs;
  if (result.isTensor()) {
    outputs.push_back(FromTorch("0", result.toTensor()));
  } else {
    for (const c10::IValue& value : result.toTupleRef().elements())
      outputs.push_back(FromTorch(std::to_string(outputs.size()), value.toTensor()));
  }
  if (const auto status = sarai::tools::WriteSafetensors(output_file, outputs); !status.ok())
    throw std::runtime_error(status.message());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "write" && argc >= 4) {
      Write(argv[2], argv[3], argc - 4, argv + 4);
    } else if (command == "run" && argc == 5) {
      RunModel(argv[2], argv + 3, argv[4]);
    } else {
      std::fprintf(
          stderr,
          "usage: sarai-torchscript write MODEL.pt SOURCE.py [PARAMETERS.safetensors…]\n"
          "       sarai-torchscript run MODEL.pt INPUTS.safetensors OUTPUTS.safetensors\n");
      return 2;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sarai-torchscript: %s\n", error.what());
    return 1;
  }
  return 0;
}
