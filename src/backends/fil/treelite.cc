#include "backends/fil/treelite.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "backends/fil/model_file.h"
#include "backends/fil/shared_library.h"

namespace sarai::backends::fil {

// Functions of libtreelite, as its c_api.h declares them: 0 is success.
struct TreeliteApi {
  using Handle = void*;
  using LoadFile = int(const char* path, const char* config, Handle* out);
  const char* (*last_error)();
  LoadFile* load_json;
  LoadFile* load_ubj;
  LoadFile* load_legacy;
  LoadFile* load_lightgbm;
  int (*deserialize)(const char* path, Handle* out);
  int (*free)(Handle model);
  int (*input_type)(Handle model, const char** out);
  int (*output_type)(Handle model, const char** out);
  int (*features)(Handle model, int* out);
  int (*parse_config)(const char* config, Handle* out);
  int (*free_config)(Handle config);
  int (*output_shape)(Handle model, uint64_t rows, Handle config, const uint64_t** shape,
                      uint64_t* dims);
  int (*predict)(Handle model, const void* input, const char* input_type, uint64_t rows,
                 void* output, Handle config);

  Status Check(int result, Code code) const {
    return result == 0 ? Status() : LibraryError(code, "treelite", last_error());
  }
};

namespace {

class TreeliteForest final : public Forest {
 public:
  TreeliteForest(std::shared_ptr<const TreeliteApi> api, TreeliteApi::Handle model)
      : api_(std::move(api)), model_(model) {}
  ~TreeliteForest() override {
    if (config_ != nullptr) api_->free_config(config_);
    api_->free(model_);
  }

  Status Load(const ForestOptions& options);

  int64_t features() const override { return features_; }
  int64_t values() const override { return values_; }
  Status Predict(const Rows& rows, std::span<float> values) const override;

 private:
  Result<bool> IsDouble(int (*type_of)(TreeliteApi::Handle, const char**)) const;
  Status Run(const void* rows, int64_t count, void* out) const;

  const std::shared_ptr<const TreeliteApi> api_;
  const TreeliteApi::Handle model_;
  TreeliteApi::Handle config_ = nullptr;
  int64_t features_ = 0, values_ = 0;
  bool takes_double_ = false, gives_double_ = false;
};

Status TreeliteForest::Load(const ForestOptions& options) {
  const std::string config =
      fmt::format(R"({{"predict_type":"default","nthread":{}}})", options.threads);
  SARAI_CHECK_OK(api_->Check(api_->parse_config(config.c_str(), &config_), Code::kInternal));
  int features = 0;
  SARAI_CHECK_OK(api_->Check(api_->features(model_, &features), Code::kDataLoss));
  if (features <= 0 || features > static_cast<int>(kFeaturesMax))
    return MakeStatus(Code::kDataLoss, "treelite: the model says that it has {} features",
                      features);
  features_ = features;
  SARAI_TRY(takes_double_, IsDouble(api_->input_type));
  SARAI_TRY(gives_double_, IsDouble(api_->output_type));
  const uint64_t* shape = nullptr;
  uint64_t dims = 0;
  SARAI_CHECK_OK(
      api_->Check(api_->output_shape(model_, 1, config_, &shape, &dims), Code::kDataLoss));
  values_ = 1;
  for (uint64_t i = 1; i < dims; ++i) values_ *= static_cast<int64_t>(shape[i]);
  if (dims == 0 || values_ <= 0)
    return MakeStatus(Code::kDataLoss, "treelite: the model predicts nothing");
  return {};
}

Result<bool> TreeliteForest::IsDouble(int (*type_of)(TreeliteApi::Handle, const char**)) const {
  const char* type = nullptr;
  SARAI_CHECK_OK(api_->Check(type_of(model_, &type), Code::kDataLoss));
  if (std::string_view(type) == "float64") return true;
  if (std::string_view(type) == "float32") return false;
  return Error(Code::kDataLoss, "treelite: the model is of the unknown type '{}'", type);
}

Status TreeliteForest::Run(const void* rows, int64_t count, void* out) const {
  const char* type = takes_double_ ? "float64" : "float32";
  return api_->Check(api_->predict(model_, rows, type, static_cast<uint64_t>(count), out, config_),
                     Code::kInvalidArgument);
}

// The library takes the rows on trust: as many values by row as it has features.
Status TreeliteForest::Predict(const Rows& rows, std::span<float> values) const {
  std::vector<double> wide;
  if (takes_double_) wide.assign(rows.values, rows.values + rows.count * rows.columns);
  const void* input = takes_double_ ? static_cast<const void*>(wide.data()) : rows.values;
  if (!gives_double_) return Run(input, rows.count, values.data());
  std::vector<double> answer(values.size());
  SARAI_CHECK_OK(Run(input, rows.count, answer.data()));
  std::ranges::transform(answer, values.begin(),
                         [](double value) { return static_cast<float>(value); });
  return {};
}

Result<TreeliteApi::Handle> ReadModel(const TreeliteApi& api, const ForestOptions& options) {
  SARAI_TRY(const std::string bytes,
            ReadModelFile(options.path));  // it must be there and not empty
  const char* path = options.path.c_str();
  const char* config = options.unknown_fields ? R"({"allow_unknown_field":true})" : "{}";
  TreeliteApi::Handle model = nullptr;
  const auto load = [&] {
    switch (options.format) {
      case Format::kXgboostJson: return api.load_json(path, config, &model);
      case Format::kXgboostUbj: return api.load_ubj(path, config, &model);
      case Format::kXgboostLegacy: return api.load_legacy(path, "{}", &model);
      case Format::kLightgbm: return api.load_lightgbm(path, "{}", &model);
      case Format::kTreelite: return api.deserialize(path, &model);
    }
    return -1;
  };
  SARAI_CHECK_OK(api.Check(load(), Code::kDataLoss));
  return model;
}

}  // namespace

Result<std::shared_ptr<const TreeliteApi>> OpenTreelite() {
  SARAI_TRY(auto library, SharedLibrary::Open("treelite/lib/libtreelite.so"));
  auto api = std::make_shared<TreeliteApi>();
  library.Find("TreeliteGetLastError", api->last_error);
  library.Find("TreeliteLoadXGBoostModelJSON", api->load_json);
  library.Find("TreeliteLoadXGBoostModelUBJSON", api->load_ubj);
  library.Find("TreeliteLoadXGBoostModelLegacyBinary", api->load_legacy);
  library.Find("TreeliteLoadLightGBMModel", api->load_lightgbm);
  library.Find("TreeliteDeserializeModelFromFile", api->deserialize);
  library.Find("TreeliteFreeModel", api->free);
  library.Find("TreeliteGetInputType", api->input_type);
  library.Find("TreeliteGetOutputType", api->output_type);
  library.Find("TreeliteQueryNumFeature", api->features);
  library.Find("TreeliteGTILParseConfig", api->parse_config);
  library.Find("TreeliteGTILDeleteConfig", api->free_config);
  library.Find("TreeliteGTILGetOutputShape", api->output_shape);
  library.Find("TreeliteGTILPredict", api->predict);
  SARAI_CHECK_OK(library.CheckComplete());
  return api;
}

Result<ForestPtr> LoadTreelite(std::shared_ptr<const TreeliteApi> api,
                               const ForestOptions& options) {
  SARAI_TRY(TreeliteApi::Handle const model, ReadModel(*api, options));
  auto forest = std::make_unique<TreeliteForest>(std::move(api), model);
  SARAI_CHECK_OK(forest->Load(options));
  return forest;
}

}  // namespace sarai::backends::fil
