#include "backends/fil/lightgbm.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "backends/fil/lightgbm_text.h"
#include "backends/fil/model_file.h"
#include "backends/fil/shared_library.h"

namespace sarai::backends::fil {

// Functions of lib_lightgbm, as its c_api.h declares them: 0 is success.
struct LightgbmApi {
  using Handle = void*;
  const char* (*last_error)();
  int (*register_log)(void (*callback)(const char*));
  int (*load)(const char* text, int* iterations, Handle* out);
  int (*free)(Handle booster);
  int (*features)(Handle booster, int* out);
  int (*values)(Handle booster, int rows, int type, int start, int iterations, int64_t* out);
  int (*predict)(Handle booster, const void* data, int data_type, int32_t rows, int32_t columns,
                 int row_major, int type, int start, int iterations, const char* parameters,
                 int64_t* size, double* out);
  std::string parameters;

  Status Check(int result, Code code) const {
    return result == 0 ? Status() : LibraryError(code, "LightGBM", last_error());
  }
};

namespace {

constexpr int kFloat32 = 0;
constexpr int kNormal = 0, kContributions = 3;  // types of prediction
constexpr int kAllIterations = -1;

class LightgbmForest final : public Forest {
 public:
  LightgbmForest(std::shared_ptr<const LightgbmApi> api, LightgbmApi::Handle booster)
      : api_(std::move(api)), booster_(booster) {}
  ~LightgbmForest() override { api_->free(booster_); }

  Status Load();

  int64_t features() const override { return features_; }
  int64_t values() const override { return values_; }
  Status Predict(const Rows& rows, std::span<float> values) const override {
    return Run(rows, kNormal, values);
  }
  Status Contributions(const Rows& rows, std::span<float> values) const override {
    return Run(rows, kContributions, values);
  }

 private:
  Status Run(const Rows& rows, int type, std::span<float> values) const;

  const std::shared_ptr<const LightgbmApi> api_;
  const LightgbmApi::Handle booster_;
  int64_t features_ = 0, values_ = 0;
};

Status LightgbmForest::Load() {
  int features = 0;
  SARAI_CHECK_OK(api_->Check(api_->features(booster_, &features), Code::kDataLoss));
  if (features <= 0 || features > static_cast<int>(kFeaturesMax))
    return MakeStatus(Code::kDataLoss, "LightGBM: the model says that it has {} features",
                      features);
  features_ = features;
  SARAI_CHECK_OK(api_->Check(api_->values(booster_, 1, kNormal, 0, kAllIterations, &values_),
                             Code::kDataLoss));
  if (values_ <= 0) return MakeStatus(Code::kDataLoss, "LightGBM: the model predicts nothing");
  return {};
}

Status LightgbmForest::Run(const Rows& rows, int type, std::span<float> values) const {
  std::vector<double> answer(values.size());
  auto size = static_cast<int64_t>(answer.size());
  SARAI_CHECK_OK(
      api_->Check(api_->predict(booster_, rows.values, kFloat32, static_cast<int32_t>(rows.count),
                                static_cast<int32_t>(rows.columns), 1, type, 0, kAllIterations,
                                api_->parameters.c_str(), &size, answer.data()),
                  Code::kInvalidArgument));
  std::ranges::transform(answer, values.begin(),
                         [](double value) { return static_cast<float>(value); });
  return {};
}

}  // namespace

Result<std::shared_ptr<const LightgbmApi>> OpenLightgbm(int threads) {
  SARAI_TRY(auto library, SharedLibrary::Open("lightgbm/lib/lib_lightgbm.so"));
  auto api = std::make_shared<LightgbmApi>();
  library.Find("LGBM_GetLastError", api->last_error);
  library.Find("LGBM_RegisterLogCallback", api->register_log);
  library.Find("LGBM_BoosterLoadModelFromString", api->load);
  library.Find("LGBM_BoosterFree", api->free);
  library.Find("LGBM_BoosterGetNumFeature", api->features);
  library.Find("LGBM_BoosterCalcNumPredict", api->values);
  library.Find("LGBM_BoosterPredictForMat", api->predict);
  SARAI_CHECK_OK(library.CheckComplete());
  api->parameters = fmt::format("num_threads={} verbosity=-1", threads);
  // What it would print comes back as an error; the rest tells of training.
  api->register_log([](const char*) {});
  return api;
}

Result<ForestPtr> LoadLightgbm(std::shared_ptr<const LightgbmApi> api,
                               const ForestOptions& options) {
  SARAI_TRY(const std::string text, ReadModelFile(options.path));
  SARAI_CHECK_OK(CheckLightgbmText(text));
  int iterations = 0;
  LightgbmApi::Handle booster = nullptr;
  SARAI_CHECK_OK(api->Check(api->load(text.c_str(), &iterations, &booster), Code::kDataLoss));
  auto forest = std::make_unique<LightgbmForest>(std::move(api), booster);
  SARAI_CHECK_OK(forest->Load());
  return forest;
}

}  // namespace sarai::backends::fil
