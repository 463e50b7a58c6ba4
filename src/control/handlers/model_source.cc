#include "control/handlers/model_source.h"

#include <array>
#include <optional>

namespace sarai::control {
namespace {

Result<json::ObjectView> ContainerOf(const json::ObjectView& request) {
  SARAI_TRY(const auto primary, request.Child("PrimaryContainer"));
  SARAI_TRY(const auto containers, request.Children("Containers"));
  if (primary && !containers.empty())
    return Error(Code::kInvalidArgument,
                 "Both PrimaryContainer and Containers are given; give one of them.");
  if (primary) return *primary;
  if (containers.empty())
    return Error(Code::kInvalidArgument, "One of PrimaryContainer and Containers must be given.");
  if (containers.size() > 1)
    return Error(Code::kUnimplemented,
                 "Containers has {} elements: inference pipelines are not served, give one.",
                 containers.size());
  return containers.front();
}

Result<bool> IsMultiModel(const json::ObjectView& container) {
  SARAI_TRY(const auto mode, container.String("Mode"));
  if (!mode || *mode == "SingleModel") return false;
  if (*mode == "MultiModel") return true;
  return Error(Code::kInvalidArgument,
               "1 validation error detected: Value '{}' at 'mode' failed to satisfy constraint: "
               "Member must satisfy enum value set: [SingleModel, MultiModel]",
               *mode);
}

Status CheckUrl(std::string_view url) {
  static constexpr std::array<std::string_view, 2> kSchemes = {"s3://", "file://"};
  for (const std::string_view scheme : kSchemes)
    if (url.starts_with(scheme) && url.size() > scheme.size()) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "1 validation error detected: Value '{}' at 'modelDataUrl' failed to satisfy "
                    "constraint: Member must be an s3:// or file:// URL",
                    url);
}

// ModelDataSource.S3DataSource -> URL; a prefix is an unpacked model and ends in a slash.
Result<std::optional<std::string>> DataSourceUrl(const json::ObjectView& container) {
  SARAI_TRY(const auto source, container.Child("ModelDataSource"));
  if (!source) return std::nullopt;
  SARAI_TRY(const auto s3, source->Child("S3DataSource"));
  if (!s3)
    return Error(Code::kInvalidArgument, "ModelDataSource must have the member S3DataSource.");
  SARAI_TRY(std::string url, s3->RequireString("S3Uri"));
  SARAI_TRY(const std::string type, s3->RequireString("S3DataType"));
  SARAI_TRY(const std::string compression, s3->RequireString("CompressionType"));
  if ((type != "S3Prefix" && type != "S3Object") ||
      (compression != "None" && compression != "Gzip"))
    return Error(Code::kInvalidArgument,
                 "ModelDataSource: S3DataType must be S3Prefix or S3Object, CompressionType None "
                 "or Gzip, not '{}' and '{}'.",
                 type, compression);
  if (type == "S3Prefix" && compression == "None" && !url.ends_with('/')) url += '/';
  return url;
}

Result<std::string> UrlOf(const json::ObjectView& container, bool multi_model) {
  SARAI_TRY(const auto direct, container.String("ModelDataUrl"));
  SARAI_TRY(const auto source, DataSourceUrl(container));
  if (direct && source)
    return Error(Code::kInvalidArgument,
                 "Both ModelDataUrl and ModelDataSource are given; give one of them.");
  if (source && multi_model)
    return Error(Code::kInvalidArgument, "ModelDataSource can not be used with Mode MultiModel.");
  if (!direct && !source)
    return Error(Code::kInvalidArgument,
                 "ModelDataUrl is missing: it is where the model's artifact is, or the prefix of "
                 "all artifacts with Mode MultiModel.");
  std::string url = direct ? *direct : *source;
  SARAI_CHECK_OK(CheckUrl(url));
  if (multi_model && !url.ends_with('/')) url += '/';
  return url;
}

}  // namespace

Result<ModelSource> SourceOf(const json::Object& create_model_request) {
  SARAI_TRY(const json::ObjectView container, ContainerOf(json::ObjectView(create_model_request)));
  ModelSource source;
  SARAI_TRY(source.multi_model, IsMultiModel(container));
  SARAI_TRY(source.url, UrlOf(container, source.multi_model));
  SARAI_TRY(const auto image, container.String("Image"));
  source.image = image.value_or("");
  SARAI_TRY(source.environment, container.StringMap("Environment"));
  return source;
}

}  // namespace sarai::control
