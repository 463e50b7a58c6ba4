// The built backend over models of every kind, which tools/models/make_test_forests.py trained; it
// wrote what their own libraries predict beside them.
#include <gmock/gmock.h>
#include <malloc.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "backends/test_support.h"

namespace sarai::backends::fil {
namespace {

using namespace sarai::backends::testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr int64_t kFeatures = 6, kRows = 20;
constexpr char kInput[] = "input__0", kOutput[] = "output__0", kShap[] = "treeshap_output";

std::string ModelPath(const std::string& file) { return SARAI_BACKENDS_TEST_DATA "/fil/" + file; }

std::vector<float> ReadFloats(const std::string& file) {
  std::ifstream in(ModelPath(file));
  std::vector<float> values;
  for (std::string word; in >> word;) values.push_back(std::strtof(word.c_str(), nullptr));
  return values;
}

Tensor RowsOf(const std::string& name) {
  return Floats(kInput, {kRows, kFeatures}, ReadFloats(name + ".rows"));
}

ModelSpec SpecOf(const std::string& artifact, int64_t columns,
                 std::map<std::string, std::string> parameters = {}) {
  ModelSpec spec =
      MakeSpec(artifact, {{.name = kInput, .type = DataType::kFp32, .dims = {kFeatures}}},
               {{.name = kOutput, .type = DataType::kFp32, .dims = {columns}}}, 4096);
  spec.parameters = std::move(parameters);
  return spec;
}

bool HasLibraries() { return fs::exists(SARAI_BUILD_DIR "/lib/sarai/runtimes/fil/xgboost"); }

class FilBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasLibraries()) GTEST_SKIP() << "./dev setup --backend fil installs the libraries";
    backend_ = SharedBackend("fil");
    ASSERT_NE(backend_, nullptr);
  }

  Status LoadError(const std::string& bytes, const std::string& name) {
    const fs::path file = fs::path(::testing::TempDir()) / name;
    std::ofstream(file, std::ios::binary) << bytes;
    const auto model = backend_->Load(SpecOf(file, 1));
    return model ? Status() : model.error();
  }

  Backend* backend_ = nullptr;
};

struct Kind {
  const char *name, *ending;
  int64_t columns;
  float tolerance;   // relative; 0 = equal to the last bit
  float factor = 1;  // treelite's isolation forest has the sign of the anomaly score
};

constexpr Kind kKinds[] = {
    {"xgb_binary", ".json", 1, 0},
    {"xgb_binary", ".ubj", 1, 0},
    {"xgb_multi", ".json", 3, 0},
    {"xgb_softmax", ".json", 1, 0},
    {"xgb_regression", ".json", 1, 0},
    {"xgb_dart", ".json", 1, 1e-6F},
    {"xgb_linear", ".json", 1, 0},
    {"xgb_categorical", ".json", 1, 0},
    {"lgb_binary", ".txt", 1, 0},
    {"lgb_multi", ".txt", 3, 0},
    {"lgb_regression", ".txt", 1, 0},
    {"lgb_linear", ".txt", 1, 0},
    {"lgb_categorical", ".txt", 1, 0},
    {"skl_forest_binary", ".tl", 2, 0},
    {"skl_forest_multi", ".tl", 3, 0},
    {"skl_forest_regression", ".tl", 1, 1e-6F},
    {"skl_extra_multi", ".tl", 3, 0},
    {"skl_extra_regression", ".tl", 1, 1e-6F},
    {"skl_boosting_multi", ".tl", 3, 1e-6F},
    {"skl_boosting_regression", ".tl", 1, 1e-6F},
    {"skl_isolation", ".tl", 1, 1e-6F, -1},
};

TEST_F(FilBackendTest, EveryKindOfModelPredictsWhatItsOwnLibraryDoes) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(std::string(kind.name) + kind.ending);
    const auto model =
        LoadModel(backend_, SpecOf(ModelPath(std::string(kind.name) + kind.ending), kind.columns));
    if (model == nullptr) continue;
    const Tensor output = RunOne(*model, {RowsOf(kind.name)});
    EXPECT_EQ(output.shape, (Shape{kRows, kind.columns}));
    const std::vector<float> expected = ReadFloats(std::string(kind.name) + ".values");
    const std::vector<float> values = Values<float>(output);
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], kind.factor * expected[i], kind.tolerance * std::abs(expected[i]));
    EXPECT_GT(model->memory_bytes(), 0U);
  }
}

TEST_F(FilBackendTest, ABatchIsItsRowsOneByOne) {
  for (const char* file : {"xgb_multi.json", "lgb_multi.txt", "skl_forest_multi.tl"}) {
    const auto model = LoadModel(backend_, SpecOf(ModelPath(file), 3));
    ASSERT_NE(model, nullptr);
    const std::string name = fs::path(file).stem();
    const std::vector<float> rows = ReadFloats(name + ".rows");
    std::vector<float> many;
    for (int i = 0; i < 50; ++i) many.insert(many.end(), rows.begin(), rows.end());
    const auto batch =
        Values<float>(RunOne(*model, {Floats(kInput, {50 * kRows, kFeatures}, many)}));
    for (int64_t row = 0; row < kRows; ++row) {
      const auto begin = rows.begin() + row * kFeatures;
      const auto one = Values<float>(
          RunOne(*model, {Floats(kInput, {1, kFeatures}, {begin, begin + kFeatures})}));
      EXPECT_EQ(one, (std::vector<float>{batch.begin() + row * 3, batch.begin() + row * 3 + 3}));
    }
    EXPECT_EQ(RunOne(*model, {Floats(kInput, {0, kFeatures}, {})}).shape, (Shape{0, 3})) << file;
  }
}

TEST_F(FilBackendTest, ClassifiersAnswerWithClassesOrWithScores) {
  const std::vector<float> scores = ReadFloats("xgb_binary.values");
  const std::string path = ModelPath("xgb_binary.json");
  const auto classes =
      LoadModel(backend_, SpecOf(path, 1, {{"is_classifier", "true"}, {"threshold", "0.4"}}));
  const auto both =
      LoadModel(backend_, SpecOf(path, 2, {{"is_classifier", "true"}, {"predict_proba", "true"}}));
  ASSERT_TRUE(classes != nullptr && both != nullptr);
  const auto of_rows = Values<float>(RunOne(*classes, {RowsOf("xgb_binary")}));
  const auto of_classes = Values<float>(RunOne(*both, {RowsOf("xgb_binary")}));
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(of_rows[i], scores[i] > 0.4F ? 1 : 0);
    EXPECT_EQ(of_classes[2 * i], 1 - scores[i]);
    EXPECT_EQ(of_classes[2 * i + 1], scores[i]);
  }
}

TEST_F(FilBackendTest, AModelThatNamesOnlyTheBestClassGivesTheScoresOfAllWhenAsked) {
  const std::string path = ModelPath("xgb_softmax.json");
  const auto classes = LoadModel(backend_, SpecOf(path, 1, {{"is_classifier", "true"}}));
  const auto scores = LoadModel(backend_, SpecOf(path, 3, {{"predict_proba", "true"}}));
  ASSERT_TRUE(classes != nullptr && scores != nullptr);
  EXPECT_EQ(Values<float>(RunOne(*classes, {RowsOf("xgb_softmax")})),
            ReadFloats("xgb_softmax.values"));
  EXPECT_EQ(Values<float>(RunOne(*scores, {RowsOf("xgb_softmax")})),
            ReadFloats("xgb_multi.values"));
}

TEST_F(FilBackendTest, ShapValuesOfARowAddUpToItsPrediction) {
  for (const char* name : {"xgb_regression.json", "lgb_regression.txt"}) {
    ModelSpec spec = SpecOf(ModelPath(name), 1);
    spec.outputs.push_back({.name = kShap, .type = DataType::kFp32, .dims = {kFeatures + 1}});
    const auto model = LoadModel(backend_, spec);
    ASSERT_NE(model, nullptr);
    const auto outputs = model->Execute({RowsOf(fs::path(name).stem())}, {});
    ASSERT_TRUE(outputs) << outputs.error().ToString();
    const auto values = Values<float>((*outputs)[0]), shap = Values<float>((*outputs)[1]);
    EXPECT_EQ((*outputs)[1].shape, (Shape{kRows, kFeatures + 1}));
    for (size_t row = 0; row < values.size(); ++row) {
      float sum = 0;
      for (size_t i = 0; i <= kFeatures; ++i) sum += shap[row * (kFeatures + 1) + i];
      EXPECT_NEAR(sum, values[row], 1e-4F * (1 + std::abs(values[row]))) << name;
    }
  }
}

TEST_F(FilBackendTest, ShapValuesOfOtherModelsAreRefusedWhenTheModelIsPrepared) {
  ModelSpec spec = SpecOf(ModelPath("skl_forest_regression.tl"), 1);
  spec.outputs.push_back({.name = kShap, .type = DataType::kFp32, .dims = {kFeatures + 1}});
  const auto model = backend_->Load(spec);
  ASSERT_TRUE(model);
  EXPECT_THAT((*model)->Prepare(spec).ToString(), HasSubstr(kShap));
}

TEST_F(FilBackendTest, RowsOfTheWrongWidthAreRefused) {
  for (const char* file : {"xgb_binary.json", "lgb_binary.txt", "skl_forest_multi.tl"}) {
    ModelSpec spec = SpecOf(ModelPath(file), file[0] == 's' ? 3 : 1);
    spec.inputs[0].dims = {-1};  // as the model comes to see what the client sends
    const auto model = LoadModel(backend_, spec);
    ASSERT_NE(model, nullptr);
    for (const int64_t columns : {0, 5, 7}) {
      const auto outputs = model->Execute(
          {Floats(kInput, {2, columns}, std::vector<float>(static_cast<size_t>(2 * columns)))}, {});
      ASSERT_FALSE(outputs) << file;
      EXPECT_EQ(outputs.error().code(), Code::kInvalidArgument);
      EXPECT_THAT(outputs.error().message(), HasSubstr("6 features"));
    }
    spec.inputs[0].dims = {kFeatures + 1};
    EXPECT_THAT(model->Prepare(spec).ToString(), HasSubstr("[-1,6]"));
  }
}

TEST_F(FilBackendTest, DamagedFilesAreClearErrors) {
  for (const char* name :
       {"xgb_multi.json", "xgb_binary.ubj", "lgb_multi.txt", "skl_boosting_multi.tl"}) {
    std::stringstream content;
    content << std::ifstream(ModelPath(name), std::ios::binary).rdbuf();
    const std::string whole = content.str();
    // The last fifth of a LightGBM file only tells how it was trained.
    for (size_t tenths = 0; tenths < 8; ++tenths) {
      const Status status = LoadError(whole.substr(0, whole.size() * tenths / 10), name);
      ASSERT_FALSE(status.ok()) << name << " cut at " << tenths << " tenths";
      EXPECT_EQ(status.code(), Code::kDataLoss) << status.ToString();
      EXPECT_THAT(status.message(), Not(HasSubstr("Stack trace")));
    }
    EXPECT_EQ(LoadError("no model at all", name).code(), Code::kDataLoss);
  }
  EXPECT_EQ(backend_->Load(SpecOf("/nowhere/xgboost.json", 1)).error().code(), Code::kNotFound);
}

TEST_F(FilBackendTest, RunsOfOneModelAtTheSameTimeDoNotDisturbEachOther) {
  for (const char* name : {"xgb_binary", "lgb_binary", "skl_isolation"}) {
    const char* ending = name[0] == 'x' ? ".json" : name[0] == 'l' ? ".txt" : ".tl";
    const auto model = LoadModel(backend_, SpecOf(ModelPath(std::string(name) + ending), 1));
    ASSERT_NE(model, nullptr);
    const std::vector<float> alone = Values<float>(RunOne(*model, {RowsOf(name)}));
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int run = 0; run < 50; ++run)
          EXPECT_EQ(Values<float>(RunOne(*model, {RowsOf(name)})), alone);
      });
    for (std::thread& thread : threads) thread.join();
  }
}

// Models come and go on threads of several kinds, each of which a library may keep something for.
TEST_F(FilBackendTest, MemoryIsBackAfterAThousandLoads) {
  const auto load_and_run = [&](int times) {
    for (int i = 0; i < times; ++i)
      for (const char* file : {"xgb_regression.json", "lgb_regression.txt", "skl_isolation.tl"}) {
        const auto model = LoadModel(backend_, SpecOf(ModelPath(file), 1));
        ASSERT_NE(model, nullptr);
        RunOne(*model, {Floats(kInput, {1, kFeatures}, std::vector<float>(kFeatures))});
      }
  };
  const auto heap = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  load_and_run(50);
  const size_t before = heap();
  load_and_run(333);
  EXPECT_LT(heap(), before + 256 * size_t{1024});
}

}  // namespace
}  // namespace sarai::backends::fil
