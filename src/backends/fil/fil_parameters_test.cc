#include "backends/fil/fil_parameters.h"

#include <gmock/gmock.h>

namespace sarai::backends::fil {
namespace {

using ::testing::HasSubstr;

ModelSpec SpecOf(std::string artifact, std::map<std::string, std::string> parameters = {}) {
  ModelSpec spec;
  spec.artifact = std::move(artifact);
  spec.parameters = std::move(parameters);
  return spec;
}

TEST(FilParametersTest, TheFormatIsTheOneNamedElseTheFilesEnding) {
  const struct {
    const char *file, *type;
    Format format;
  } kCases[] = {
      {"xgboost.json", "", Format::kXgboostJson},
      {"xgboost.ubj", "", Format::kXgboostUbj},
      {"xgboost.model", "", Format::kXgboostLegacy},
      {"model.txt", "", Format::kLightgbm},
      {"checkpoint.tl", "", Format::kTreelite},
      {"anything.json", "lightgbm", Format::kLightgbm},
      {"m.bin", "treelite_checkpoint", Format::kTreelite},
  };
  for (const auto& [file, type, format] : kCases) {
    ModelSpec spec = SpecOf(file);
    if (*type != '\0') spec.parameters["model_type"] = type;
    const auto parsed = ParseFilParameters(spec);
    ASSERT_TRUE(parsed) << file;
    EXPECT_EQ(parsed->format, format) << file;
  }
}

TEST(FilParametersTest, ModelsPredictWhatTheirLibraryDoesUnlessAskedForClasses) {
  const auto plain = ParseFilParameters(SpecOf("xgboost.json"));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->is_classifier || plain->predict_proba);
  EXPECT_EQ(plain->threshold, 0.5F);
  const auto asked = ParseFilParameters(SpecOf(
      "xgboost.json", {{"is_classifier", "true"}, {"threshold", "0.3"}, {"cpu_nthread", "-1"}}));
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->is_classifier);
  EXPECT_EQ(asked->threshold, 0.3F);
  EXPECT_EQ(asked->threads, 0);
}

TEST(FilParametersTest, TheOldNameOfIsClassifierCountsWhereTheNewOneIsAbsent) {
  EXPECT_TRUE(
      ParseFilParameters(SpecOf("xgboost.json", {{"output_class", "true"}}))->is_classifier);
  EXPECT_FALSE(ParseFilParameters(
                   SpecOf("xgboost.json", {{"output_class", "true"}, {"is_classifier", "false"}}))
                   ->is_classifier);
}

TEST(FilParametersTest, ErrorsNameTheParameter) {
  const std::pair<const char*, const char*> kCases[] = {
      {"model_type", "catboost"}, {"is_classifier", "maybe"}, {"predict_proba", "2"},
      {"threshold", "half"},      {"threshold", "nan"},       {"cpu_nthread", "many"}};
  for (const auto& [name, value] : kCases) {
    const auto parsed = ParseFilParameters(SpecOf("xgboost.json", {{name, value}}));
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(parsed.error().message(), HasSubstr(name));
  }
  EXPECT_THAT(ParseFilParameters(SpecOf("model.bin")).error().message(), HasSubstr("model_type"));
}

}  // namespace
}  // namespace sarai::backends::fil
