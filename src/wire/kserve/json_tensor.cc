#include "wire/kserve/json_tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/strings.h"

namespace sarai::kserve {
namespace {

// What stands in the text, for an error: at most a few words of it.
std::string Shown(ondemand::value value) {
  constexpr size_t kLongest = 32;
  const std::string_view token = Trim(value.raw_json_token());
  return std::string(token.substr(0, kLongest));
}

// JSON has no words for these; Python's and RapidJSON's are understood.
std::optional<double> ReadSpecial(std::string_view token) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  token = Trim(token);
  if (token == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (token == "Infinity" || token == "Inf") return kInfinity;
  if (token == "-Infinity" || token == "-Inf") return -kInfinity;
  return std::nullopt;
}

// Readers of one element: false when the value is not of type T or does not fit it.
template <typename T>
  requires std::is_floating_point_v<T>
bool ReadElement(ondemand::value& value, T& out) {
  double number = 0;
  if (value.get_double().get(number) == simdjson::SUCCESS) {
    out = static_cast<T>(number);
    return std::isfinite(out);
  }
  const auto special = ReadSpecial(value.raw_json_token());
  if (special) out = static_cast<T>(*special);
  return special.has_value();
}

template <typename T>
  requires(std::is_integral_v<T> && std::is_signed_v<T>)
bool ReadElement(ondemand::value& value, T& out) {
  int64_t number = 0;
  if (value.get_int64().get(number) != simdjson::SUCCESS) return false;
  out = static_cast<T>(number);
  return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
}

template <typename T>
  requires(std::is_integral_v<T> && std::is_unsigned_v<T>)
bool ReadElement(ondemand::value& value, T& out) {
  uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS) return false;
  out = static_cast<T>(number);
  return number <= std::numeric_limits<T>::max();
}

enum class Flag : uint8_t { kFalse = 0, kTrue = 1 };  // BOOL: one byte

bool ReadElement(ondemand::value& value, Flag& out) {
  bool flag = false;
  if (value.get_bool().get(flag) != simdjson::SUCCESS) return false;
  out = flag ? Flag::kTrue : Flag::kFalse;
  return true;
}

// Elements of a fixed size.
template <typename T>
class NumberSink {
 public:
  explicit NumberSink(const JsonTensorLimits& limits) : max_(limits.max_bytes / sizeof(T)) {
    values_.reserve(std::min(limits.reserve, max_));
  }
  bool full() const { return values_.size() >= max_; }
  int64_t count() const { return static_cast<int64_t>(values_.size()); }
  bool Read(ondemand::value& value) {
    T element{};
    if (!ReadElement(value, element)) return false;
    values_.push_back(element);
    return true;
  }
  Blob Take() {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values_));
    return Blob(owner, std::as_bytes(std::span(*owner)));
  }

 private:
  const uint64_t max_;
  std::vector<T> values_;
};

// Strings, each behind its 4-byte length.
class BytesSink {
 public:
  explicit BytesSink(const JsonTensorLimits& limits) : max_(limits.max_bytes) {}
  bool full() const { return data_.size() > max_; }
  int64_t count() const { return count_; }
  bool Read(ondemand::value& value) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    const auto length = static_cast<uint32_t>(text.size());  // far below: the JSON is bounded
    const size_t at = data_.size();
    data_.resize(at + sizeof(length) + text.size());
    std::memcpy(data_.data() + at, &length, sizeof(length));
    if (!text.empty()) std::memcpy(data_.data() + at + sizeof(length), text.data(), text.size());
    ++count_;
    return true;
  }
  Blob Take() { return Blob::FromVector(std::move(data_)); }

 private:
  const uint64_t max_;
  std::vector<std::byte> data_;
  int64_t count_ = 0;
};

template <typename Sink>
Status ReadOne(ondemand::value value, DataType type, Sink& sink) {
  if (sink.full())
    return MakeStatus(Code::kInvalidArgument,
                      "its JSON data is too large once expanded: send it as binary data");
  if (sink.Read(value)) return {};
  return MakeStatus(Code::kInvalidArgument, "element {} is {}: not a {}", sink.count(),
                    Shown(value), DataTypeName(type));
}

// `depth`: lists and objects around `list`.
template <typename Sink>
Status ReadList(ondemand::array list, DataType type, int depth, int max_depth, Sink& sink) {
  if (depth >= max_depth)
    return MakeStatus(Code::kInvalidArgument,
                      "JSON nesting depth exceeds maximum allowed limit ({})", max_depth);
  for (auto element : list) {
    ondemand::value value;
    if (const auto error = std::move(element).get(value)) return Malformed(error);
    ondemand::json_type kind;
    if (const auto error = value.type().get(kind)) {
      // No token that begins a JSON value; NaN and its kind begin like this too.
      SARAI_CHECK_OK(ReadOne(value, type, sink));
      continue;
    }
    if (kind != ondemand::json_type::array) {
      SARAI_CHECK_OK(ReadOne(value, type, sink));
      continue;
    }
    ondemand::array inner;
    if (const auto error = value.get_array().get(inner)) return Malformed(error);
    SARAI_CHECK_OK(ReadList(inner, type, depth + 1, max_depth, sink));
  }
  return {};
}

template <typename Sink>
Status ReadAll(ondemand::array list, DataType type, const JsonTensorLimits& limits, Sink& sink) {
  return ReadList(list, type, limits.depth, limits.max_depth, sink);
}

template <typename Sink>
Status ReadAll(ondemand::value value, DataType type, const JsonTensorLimits& limits, Sink& sink) {
  ondemand::array list;
  if (value.get_array().get(list) == simdjson::SUCCESS) return ReadAll(list, type, limits, sink);
  return ReadOne(value, type, sink);
}

template <typename Sink, typename Json>
Result<JsonTensor> ReadInto(Json json, DataType type, const JsonTensorLimits& limits) {
  Sink sink(limits);
  SARAI_CHECK_OK(ReadAll(json, type, limits, sink));
  const int64_t count = sink.count();
  return JsonTensor{.data = sink.Take(), .elements = count};
}

template <typename Json>
Result<JsonTensor> ReadAs(Json json, DataType type, const JsonTensorLimits& limits) {
  switch (type) {
    case DataType::kBool: return ReadInto<NumberSink<Flag>>(json, type, limits);
    case DataType::kUint8: return ReadInto<NumberSink<uint8_t>>(json, type, limits);
    case DataType::kUint16: return ReadInto<NumberSink<uint16_t>>(json, type, limits);
    case DataType::kUint32: return ReadInto<NumberSink<uint32_t>>(json, type, limits);
    case DataType::kUint64: return ReadInto<NumberSink<uint64_t>>(json, type, limits);
    case DataType::kInt8: return ReadInto<NumberSink<int8_t>>(json, type, limits);
    case DataType::kInt16: return ReadInto<NumberSink<int16_t>>(json, type, limits);
    case DataType::kInt32: return ReadInto<NumberSink<int32_t>>(json, type, limits);
    case DataType::kInt64: return ReadInto<NumberSink<int64_t>>(json, type, limits);
    case DataType::kFp32: return ReadInto<NumberSink<float>>(json, type, limits);
    case DataType::kFp64: return ReadInto<NumberSink<double>>(json, type, limits);
    case DataType::kBytes: return ReadInto<BytesSink>(json, type, limits);
    case DataType::kFp16:
    case DataType::kBf16:
      return Error(Code::kInvalidArgument, "{} cannot travel as JSON: send it as binary data",
                   DataTypeName(type));
    case DataType::kInvalid: break;
  }
  return Error(Code::kInternal, "no data type");
}

}  // namespace

Result<JsonTensor> ReadJsonTensor(ondemand::array list, DataType type,
                                  const JsonTensorLimits& limits) {
  return ReadAs(list, type, limits);
}

Result<JsonTensor> ReadJsonTensor(ondemand::value value, DataType type,
                                  const JsonTensorLimits& limits) {
  return ReadAs(value, type, limits);
}

}  // namespace sarai::kserve
