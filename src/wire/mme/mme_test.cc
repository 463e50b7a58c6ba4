#include "wire/mme/mme.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::mme {
namespace {

using testing::HasSubstr;

constexpr char kBinary[] = "application/vnd.sagemaker-triton.binary+json";

TEST(ParseLoadRequest, ReadsNameAndUrlAndIgnoresWhatElseServersTake) {
  const auto load = ParseLoadRequest(
      R"({"model_name":"a1","url":"/opt/ml/models/a1/model","initial_workers":1})");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->model_name, "a1");
  EXPECT_EQ(load->url, "/opt/ml/models/a1/model");
}

TEST(ParseLoadRequest, NamesTheMemberThatIsWrong) {
  for (const auto& [body, member] : std::vector<std::pair<std::string, std::string>>{
           {"", "'model_name' is missing"},
           {R"({"model_name":"a"})", "'url' is missing"},
           {R"({"model_name":7,"url":"u"})", "'model_name' must be a string"},
           {R"({"model_name":"","url":"u"})", "'model_name' is empty"},
           {R"({"model_name":"m","url":""})", "'url' is empty"},
           {"[]", "must be an object"},
           {"{", "JSON"}}) {
    const auto load = ParseLoadRequest(body);
    ASSERT_FALSE(load) << body;
    EXPECT_EQ(load.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(load.error().message(), HasSubstr(member));
  }
}

TEST(EncodeList, TellsTheLastPageByTheMissingToken) {
  EXPECT_EQ(EncodeList({}), R"({"models":[]})");
  EXPECT_EQ(EncodeList({.models = {{"a", "/m/a"}, {"b\"", "/m/b"}}, .next_page_token = "2"}),
            R"({"models":[{"modelName":"a","modelUrl":"/m/a"},)"
            R"({"modelName":"b\"","modelUrl":"/m/b"}],"nextPageToken":"2"})");
  EXPECT_EQ(EncodeModel({"a", "/m/a"}), R"({"modelName":"a","modelUrl":"/m/a"})");
}

TEST(JsonSizeFromContentType, ReadsTheBinaryTypesParameterInAnySpelling) {
  const std::string type(kBinary);
  for (const std::string& spelling :
       {type + ";json-header-size=12", type + "; json-header-size=12",
        type + " ; charset=utf-8; JSON-Header-Size = 12 ",
        std::string("Application/Vnd.SageMaker-Triton.Binary+JSON;json-header-size=12")})
    EXPECT_EQ(JsonSizeFromContentType(spelling, 12).value(), 12u) << spelling;
  EXPECT_EQ(JsonSizeFromContentType(type + ";json-header-size=0", 12).value(), 0u);
}

TEST(JsonSizeFromContentType, TakesEveryOtherTypeForJson) {
  for (const char* type : {"", "application/octet-stream", "application/json; json-header-size=x",
                           "text/csv", ";", "application/vnd.sagemaker-triton.binary+jsonx"})
    EXPECT_EQ(JsonSizeFromContentType(type, 12).value(), std::nullopt) << type;
}

TEST(JsonSizeFromContentType, RefusesSizesThatCannotBe) {
  for (const char* parameter :
       {"", ";", ";json-header-size", ";json-header-size=", ";json-header-size=x",
        ";json-header-size=-1", ";json-header-size=13", ";json-header-size=1.5",
        ";json-header-size=4294967296", ";json-header-size=99999999999999999999",
        ";json-header-size=0x1"}) {
    const auto size = JsonSizeFromContentType(std::string(kBinary) + parameter, 12);
    ASSERT_FALSE(size) << parameter;
    EXPECT_EQ(size.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(size.error().message(), HasSubstr("json-header-size"));
  }
}

TEST(BinaryContentType, IsReadBack) {
  EXPECT_EQ(BinaryContentType(7), std::string(kBinary) + ";json-header-size=7");
  EXPECT_EQ(JsonSizeFromContentType(BinaryContentType(7), 7).value(), 7u);
}

TEST(HttpStatus, FollowsTheContainerContract) {
  EXPECT_EQ(HttpStatus(Code::kNotFound), 404);
  EXPECT_EQ(HttpStatus(Code::kAlreadyExists), 409);
  EXPECT_EQ(HttpStatus(Code::kResourceExhausted), 507);
  EXPECT_EQ(HttpStatus(Code::kDeadlineExceeded), 429);
  EXPECT_EQ(HttpStatus(Code::kUnavailable), 503);
  EXPECT_EQ(HttpStatus(Code::kInternal), 500);
  EXPECT_EQ(HttpStatus(Code::kInvalidArgument), 400);
  EXPECT_EQ(HttpStatus(Code::kDataLoss), 400);
}

}  // namespace
}  // namespace sarai::mme
