// Bodies of the model repository's calls. Files come in base64 within the JSON: that text is read
// where it lies and decoded once.
#include "base/base64.h"
#include "wire/json/json.h"
#include "wire/kserve/json_reader.h"
#include "wire/kserve/management.h"

namespace sarai::kserve {
namespace {

constexpr std::string_view kFilePrefix = "file:";

class LoadReader {
 public:
  explicit LoadReader(uint64_t max_file_bytes) : left_(max_file_bytes), max_(max_file_bytes) {}

  Status Read(std::string_view key, ondemand::value value) {
    if (key == "config") {
      auto config = ReadString(value, "'parameters.config'");
      if (!config) return std::move(config).error();
      load_.config_json = std::move(*config);
      return {};
    }
    if (key.starts_with(kFilePrefix)) return ReadFile(std::string(key), value);
    return MakeStatus(Code::kInvalidArgument,
                      "'parameters.{}' is unknown: 'config' and 'file:PATH' are known", key);
  }
  LoadRequest Take() { return std::move(load_); }

 private:
  // `key` is a copy: the parser's own goes with the next string.
  Status ReadFile(const std::string& key, ondemand::value value) {
    std::string_view text;
    if (const auto error = value.get_string().get(text))
      return NotA(error, fmt::format("'parameters.{}'", key), "a string of base64");
    if (text.size() / 4 * 3 > left_ + 2) return TooLarge(key);
    auto bytes = Base64Decode(text);
    if (!bytes) return MakeStatus(Code::kInvalidArgument, "'parameters.{}' is no base64", key);
    if (bytes->size() > left_) return TooLarge(key);
    left_ -= bytes->size();
    if (load_.files.emplace(key.substr(kFilePrefix.size()), Blob::FromVector(std::move(*bytes)))
            .second)
      return {};
    return MakeStatus(Code::kInvalidArgument, "'parameters.{}' is given twice", key);
  }

  Status TooLarge(const std::string& key) const {
    return MakeStatus(Code::kInvalidArgument,
                      "the files to load are larger than the {} bytes allowed, with '{}'", max_,
                      key);
  }

  uint64_t left_;
  const uint64_t max_;
  LoadRequest load_;
};

Status ReadBody(std::string_view body, LoadReader& reader) {
  const auto read = [&](std::string_view name, ondemand::value value) {
    return reader.Read(name, value);
  };
  return ReadRequestObject(
      PaddedJson(body, /*readable_behind=*/0), [&](std::string_view key, ondemand::value value) {
        return key == "parameters" ? ForEachMember(value, "'parameters'", read) : Status();
      });
}

}  // namespace

Result<LoadRequest> ParseLoadRequest(std::string_view body, uint64_t max_file_bytes) {
  LoadReader reader(max_file_bytes);
  if (!body.empty()) SARAI_CHECK_OK(ReadBody(body, reader));
  return reader.Take();
}

Result<UnloadRequest> ParseUnloadRequest(std::string_view body) {
  SARAI_TRY(const auto object, json::ParseObject(body));
  SARAI_TRY(const auto parameters, json::ObjectView(object).Child("parameters"));
  UnloadRequest request;
  if (!parameters) return request;
  SARAI_TRY(const auto dependents, parameters->Bool("unload_dependents"));
  request.unload_dependents = dependents.value_or(false);
  return request;
}

}  // namespace sarai::kserve
