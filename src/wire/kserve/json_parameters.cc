#include "wire/kserve/json_parameters.h"

#include <limits>

#include "wire/kserve/request_parameters.h"

namespace sarai::kserve {
namespace {

std::string What(std::string_view key) { return fmt::format("parameter '{}'", key); }

// The three parameters that name a place in shared memory.
class SharedMemoryParameters {
 public:
  static bool Has(std::string_view key) { return key.starts_with("shared_memory_"); }

  Status Read(std::string_view key, ondemand::value value) {
    any_ = true;
    if (key == "shared_memory_region") {
      auto region = ReadString(value, What(key));
      if (!region) return std::move(region).error();
      use_.region = std::move(*region);
      return {};
    }
    const bool size = key == "shared_memory_byte_size";
    if (!size && key != "shared_memory_offset")
      return MakeStatus(Code::kInvalidArgument,
                        "{} is unknown: shared_memory_region, shared_memory_offset and "
                        "shared_memory_byte_size are known",
                        What(key));
    const auto number = ReadUnsigned(value, What(key));
    if (!number) return number.error();
    (size ? use_.byte_size : use_.offset) = *number;
    sized_ = sized_ || size;
    return {};
  }

  Result<std::optional<SharedMemoryUse>> Finish() {
    if (!any_) return std::optional<SharedMemoryUse>();
    if (use_.region.empty())
      return Error(
          Code::kInvalidArgument,
          "'shared_memory_region' must be given beside the other shared-memory parameters");
    if (!sized_)
      return Error(Code::kInvalidArgument,
                   "'shared_memory_byte_size' must be given with 'shared_memory_region'");
    return std::optional(std::move(use_));
  }

 private:
  SharedMemoryUse use_;
  bool any_ = false, sized_ = false;
};

Result<Parameter> ReadNumber(ondemand::value value, std::string_view what) {
  ondemand::number number;
  if (const auto error = value.get_number().get(number))
    return Error(NotA(error, what, "a number of at most 64 bits"));
  if (number.is_int64()) return Parameter(number.get_int64());
  if (number.is_uint64()) return Parameter(number.get_uint64());
  return Parameter(number.get_double());
}

Status Keep(std::string_view key, Parameter value, size_t max_parameters, Parameters& parameters) {
  if (parameters.size() >= max_parameters)
    return MakeStatus(Code::kInvalidArgument, "more than {} parameters", max_parameters);
  if (parameters.emplace(key, std::move(value)).second) return {};
  return MakeStatus(Code::kInvalidArgument, "{} is given twice", What(key));
}

Status ReadClassification(ondemand::value value, uint32_t& classification) {
  const auto classes = ReadUnsigned(value, What("classification"));
  if (!classes) return classes.error();
  if (*classes > std::numeric_limits<uint32_t>::max())
    return MakeStatus(Code::kInvalidArgument, "parameter 'classification' {} is too large",
                      *classes);
  classification = static_cast<uint32_t>(*classes);
  return {};
}

Status ReadInputParameter(std::string_view key, ondemand::value value,
                          InputParameters& parameters) {
  if (key != "binary_data_size") return {};
  const auto size = ReadUnsigned(value, What(key));
  if (!size) return size.error();
  parameters.binary_data_size = *size;
  return {};
}

Status ReadOutputParameter(std::string_view key, ondemand::value value, size_t max_parameters,
                           OutputParameters& parameters) {
  if (key == "classification") return ReadClassification(value, parameters.classification);
  if (key == "binary_data") {
    const auto binary = ReadBool(value, What(key));
    if (!binary) return binary.error();
    parameters.binary_data = *binary;
    return {};
  }
  auto parameter = ReadParameter(value, What(key));
  if (!parameter) return parameter.error();
  return Keep(key, std::move(*parameter), max_parameters, parameters.others);
}

}  // namespace

Result<Parameter> ReadParameter(ondemand::value value, std::string_view what) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Error(Malformed(error));
  switch (type) {
    case ondemand::json_type::number: return ReadNumber(value, what);
    case ondemand::json_type::string: {
      SARAI_TRY(std::string text, ReadString(value, what));
      return Parameter(std::move(text));
    }
    case ondemand::json_type::boolean: {
      SARAI_TRY(const bool flag, ReadBool(value, what));
      return Parameter(flag);
    }
    default: return Error(Code::kInvalidArgument, "{} must be a string, number or bool", what);
  }
}

Status ReadRequestParameters(ondemand::value value, size_t max_parameters, InferRequest& request) {
  return ForEachMember(value, "'parameters'", [&](std::string_view key, ondemand::value member) {
    if (key == "binary_data_output") {
      const auto binary = ReadBool(member, What(key));
      if (!binary) return binary.error();
      request.binary_outputs = *binary;
      return Status();
    }
    auto parameter = ReadParameter(member, What(key));
    if (!parameter) return Status(std::move(parameter).error());
    return SetRequestParameter(key, std::move(*parameter), max_parameters, request);
  });
}

Result<InputParameters> ReadInputParameters(ondemand::value value) {
  InputParameters parameters;
  SharedMemoryParameters shared;
  SARAI_CHECK_OK(ForEachMember(value, "'parameters'", [&](std::string_view key, auto member) {
    if (SharedMemoryParameters::Has(key)) return shared.Read(key, member);
    return ReadInputParameter(key, member, parameters);
  }));
  SARAI_TRY(parameters.shared_memory, shared.Finish());
  return parameters;
}

Result<OutputParameters> ReadOutputParameters(ondemand::value value, size_t max_parameters) {
  OutputParameters parameters;
  SharedMemoryParameters shared;
  SARAI_CHECK_OK(ForEachMember(value, "'parameters'", [&](std::string_view key, auto member) {
    if (SharedMemoryParameters::Has(key)) return shared.Read(key, member);
    return ReadOutputParameter(key, member, max_parameters, parameters);
  }));
  SARAI_TRY(parameters.shared_memory, shared.Finish());
  if (parameters.shared_memory && parameters.classification > 0)
    return Error(Code::kInvalidArgument, "classes cannot go to shared memory");
  return parameters;
}

}  // namespace sarai::kserve
