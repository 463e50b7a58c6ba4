#include "backends/fil/xgboost.h"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "backends/fil/model_file.h"
#include "backends/fil/shared_library.h"
#include "backends/fil/ubjson.h"

namespace sarai::backends::fil {

// Functions of libxgboost, as its c_api.h declares them: 0 is success.
struct XgboostApi {
  using Handle = void*;
  const char* (*last_error)();
  int (*create)(const Handle* data, uint64_t count, Handle* out);
  int (*free)(Handle booster);
  int (*load)(Handle booster, const void* bytes, uint64_t size);
  int (*set)(Handle booster, const char* name, const char* value);
  int (*features)(Handle booster, uint64_t* out);
  int (*save_config)(Handle booster, uint64_t* size, const char** out);
  int (*predict_dense)(Handle booster, const char* values, const char* config, Handle matrix,
                       const uint64_t** shape, uint64_t* dims, const float** out);
  int (*matrix)(const char* values, const char* config, Handle* out);
  int (*free_matrix)(Handle matrix);
  int (*predict_matrix)(Handle booster, Handle matrix, const char* config, const uint64_t** shape,
                        uint64_t* dims, const float** out);

  Status Check(int result, Code code) const {
    return result == 0 ? Status() : LibraryError(code, "XGBoost", last_error());
  }
};

namespace {

constexpr int kValues = 0, kContributions = 2;  // types of prediction

std::string PredictConfig(int type) {
  return fmt::format(
      R"({{"type":{},"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true,)"
      R"("cache_id":0,"missing":NaN}})",
      type);
}

// The rows where they lie, in the library's "array interface".
std::string ArrayText(const Rows& rows) {
  return fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                     reinterpret_cast<uintptr_t>(rows.values), rows.count, rows.columns);
}

// One booster. `matrix_mu_` guards the calls that are not thread-safe in the library.
class XgboostForest final : public Forest {
 public:
  XgboostForest(std::shared_ptr<const XgboostApi> api, XgboostApi::Handle booster)
      : api_(std::move(api)), booster_(booster), config_(PredictConfig(kValues)) {}
  ~XgboostForest() override { api_->free(booster_); }

  Status Load(const ForestOptions& options);

  int64_t features() const override { return features_; }
  int64_t values() const override { return values_; }
  Status Predict(const Rows& rows, std::span<float> values) const override;
  Status Contributions(const Rows& rows, std::span<float> values) const override {
    return PredictMatrix(rows, kContributions, values);
  }

 private:
  struct Answer {
    const uint64_t* shape = nullptr;
    uint64_t dims = 0;
    const float* values = nullptr;

    size_t size() const {
      size_t count = 1;
      for (uint64_t i = 0; i < dims; ++i) count *= shape[i];
      return count;
    }
    Status CopyTo(std::span<float> out) const;
  };

  Status Set(const char* name, const std::string& value) {
    return api_->Check(api_->set(booster_, name, value.c_str()), Code::kInvalidArgument);
  }
  Status AskForScores();
  Status CountValues();
  Result<Answer> RunInPlace(const Rows& rows) const;
  Status PredictMatrix(const Rows& rows, int type, std::span<float> values) const;
  Result<Answer> RunMatrix(XgboostApi::Handle matrix, int type) const;

  const std::shared_ptr<const XgboostApi> api_;
  const XgboostApi::Handle booster_;
  const std::string config_;
  int64_t features_ = 0, values_ = 0;
  bool in_place_ = true;  // linear boosters cannot
  mutable std::mutex matrix_mu_;
};

// A key begins with a quote in JSON and with the type of its length in UBJSON.
bool IsUbjson(std::string_view bytes) {
  return bytes.size() > 1 && std::isalpha(static_cast<unsigned char>(bytes[1])) != 0;
}

Status XgboostForest::Load(const ForestOptions& options) {
  SARAI_TRY(const std::string bytes, ReadModelFile(options.path));
  if (!bytes.starts_with('{'))
    return MakeStatus(Code::kDataLoss, "XGBoost: neither JSON nor UBJSON begins like this file");
  if (IsUbjson(bytes)) SARAI_CHECK_OK(CheckUbjson(bytes));
  SARAI_CHECK_OK(api_->Check(api_->load(booster_, bytes.data(), bytes.size()), Code::kDataLoss));
  SARAI_CHECK_OK(Set("nthread", fmt::to_string(options.threads)));
  if (options.class_scores) SARAI_CHECK_OK(AskForScores());
  uint64_t features = 0;
  SARAI_CHECK_OK(api_->Check(api_->features(booster_, &features), Code::kDataLoss));
  if (features == 0 || features > kFeaturesMax)
    return MakeStatus(Code::kDataLoss, "XGBoost: the model says that it has {} features", features);
  features_ = static_cast<int64_t>(features);
  return CountValues();
}

// multi:softmax answers with the best class only; the same trees give all scores.
Status XgboostForest::AskForScores() {
  uint64_t size = 0;
  const char* config = nullptr;
  SARAI_CHECK_OK(api_->Check(api_->save_config(booster_, &size, &config), Code::kDataLoss));
  if (std::string_view(config, size).find("\"multi:softmax\"") == std::string_view::npos) return {};
  return Set("objective", "multi:softprob");
}

// The first run also makes the library set itself up, which it does not do thread-safely.
Status XgboostForest::CountValues() {
  const std::vector<float> row(static_cast<size_t>(features_), 0.0F);
  const Rows rows{row.data(), 1, features_};
  auto answer = RunInPlace(rows);
  if (answer) {
    values_ = static_cast<int64_t>(answer->size());
    return {};
  }
  in_place_ = false;
  XgboostApi::Handle matrix = nullptr;
  SARAI_CHECK_OK(
      api_->Check(api_->matrix(ArrayText(rows).c_str(), R"({"missing":NaN,"nthread":1})", &matrix),
                  Code::kDataLoss));
  answer = RunMatrix(matrix, kValues);
  api_->free_matrix(matrix);
  if (!answer) return MakeStatus(Code::kDataLoss, "{}", answer.error().message());
  values_ = static_cast<int64_t>(answer->size());
  return {};
}

Status XgboostForest::Answer::CopyTo(std::span<float> out) const {
  if (size() != out.size())
    return MakeStatus(Code::kInternal, "XGBoost answered with {} values where {} were expected",
                      size(), out.size());
  std::copy_n(values, out.size(), out.begin());
  return {};
}

Result<XgboostForest::Answer> XgboostForest::RunInPlace(const Rows& rows) const {
  Answer answer;
  SARAI_CHECK_OK(
      api_->Check(api_->predict_dense(booster_, ArrayText(rows).c_str(), config_.c_str(), nullptr,
                                      &answer.shape, &answer.dims, &answer.values),
                  Code::kInvalidArgument));
  return answer;
}

Status XgboostForest::Predict(const Rows& rows, std::span<float> values) const {
  if (!in_place_) return PredictMatrix(rows, kValues, values);
  SARAI_TRY(const Answer answer, RunInPlace(rows));
  return answer.CopyTo(values);
}

Result<XgboostForest::Answer> XgboostForest::RunMatrix(XgboostApi::Handle matrix, int type) const {
  Answer answer;
  SARAI_CHECK_OK(api_->Check(api_->predict_matrix(booster_, matrix, PredictConfig(type).c_str(),
                                                  &answer.shape, &answer.dims, &answer.values),
                             Code::kInvalidArgument));
  return answer;
}

Status XgboostForest::PredictMatrix(const Rows& rows, int type, std::span<float> values) const {
  const std::lock_guard lock(matrix_mu_);
  XgboostApi::Handle matrix = nullptr;
  SARAI_CHECK_OK(
      api_->Check(api_->matrix(ArrayText(rows).c_str(), R"({"missing":NaN,"nthread":1})", &matrix),
                  Code::kInvalidArgument));
  const auto answer = RunMatrix(matrix, type);
  const Status copied = answer ? answer->CopyTo(values) : answer.error();
  api_->free_matrix(matrix);
  return copied;
}

}  // namespace

Result<std::shared_ptr<const XgboostApi>> OpenXgboost() {
  SARAI_TRY(auto library, SharedLibrary::Open("xgboost/lib/libxgboost.so"));
  auto api = std::make_shared<XgboostApi>();
  library.Find("XGBGetLastError", api->last_error);
  library.Find("XGBoosterCreate", api->create);
  library.Find("XGBoosterFree", api->free);
  library.Find("XGBoosterLoadModelFromBuffer", api->load);
  library.Find("XGBoosterSetParam", api->set);
  library.Find("XGBoosterGetNumFeature", api->features);
  library.Find("XGBoosterSaveJsonConfig", api->save_config);
  library.Find("XGBoosterPredictFromDense", api->predict_dense);
  library.Find("XGDMatrixCreateFromDense", api->matrix);
  library.Find("XGDMatrixFree", api->free_matrix);
  library.Find("XGBoosterPredictFromDMatrix", api->predict_matrix);
  SARAI_CHECK_OK(library.CheckComplete());
  return api;
}

Result<ForestPtr> LoadXgboost(std::shared_ptr<const XgboostApi> api, const ForestOptions& options) {
  XgboostApi::Handle booster = nullptr;
  SARAI_CHECK_OK(api->Check(api->create(nullptr, 0, &booster), Code::kInternal));
  auto forest = std::make_unique<XgboostForest>(std::move(api), booster);
  SARAI_CHECK_OK(forest->Load(options));
  return forest;
}

}  // namespace sarai::backends::fil
