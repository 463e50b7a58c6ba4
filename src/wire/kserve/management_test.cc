#include "wire/kserve/management.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json/json.h"
#include "wire/kserve/statistics_reader.h"

namespace sarai::kserve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kMaxBytes = 1 << 20;

template <typename T>
std::string ErrorOf(const Result<T>& result) {
  return result ? "parsed" : result.error().message();
}

TEST(EncodeStatistics, WritesWhatTritonWrites) {
  ModelStatistics model{.name = "m",
                        .version = "1",
                        .last_inference_ms = 5,
                        .inference_count = 3,
                        .execution_count = 2};
  model.success = {3, 30};
  model.batches = {{.batch_size = 2, .compute_infer = {1, 7}}};
  model.responses = {{.success = {1, 4}}, {}};
  model.memory = {{"CPU", 0, 4096}};
  const auto stats = json::ParseObject(EncodeStatistics({model, {.name = "n", .version = "2"}}));
  ASSERT_TRUE(stats);
  const auto& all = stats->at("model_stats").as_array();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(json::Serialize(all[0].at("inference_stats").at("success")), R"({"count":3,"ns":30})");
  for (const char* name : {"success", "fail", "queue", "compute_input", "compute_infer",
                           "compute_output", "cache_hit", "cache_miss"})
    EXPECT_TRUE(all[1].at("inference_stats").as_object().contains(name)) << name;
  EXPECT_EQ(all[0].at("last_inference").as_int64(), 5);
  EXPECT_EQ(json::Serialize(all[0].at("batch_stats").at(0)),
            R"({"batch_size":2,"compute_input":{"count":0,"ns":0},)"
            R"("compute_infer":{"count":1,"ns":7},"compute_output":{"count":0,"ns":0}})");
  EXPECT_EQ(all[0].at("response_stats").at("0").at("success").at("ns").as_int64(), 4);
  EXPECT_TRUE(all[0].at("response_stats").as_object().contains("1"));
  EXPECT_EQ(json::Serialize(all[0].at("memory_usage")),
            R"([{"type":"CPU","id":0,"byte_size":4096}])");
  EXPECT_EQ(EncodeStatistics({}), R"({"model_stats":[]})");
}

TEST(ParseStatistics, ReadsWhatIsWritten) {
  ModelStatistics model{.name = "m",
                        .version = "1",
                        .last_inference_ms = 5,
                        .inference_count = 3,
                        .execution_count = 2,
                        .success = {3, 30},
                        .fail = {1, 2},
                        .cache_miss = {4, 5},
                        .batches = {{.batch_size = 2, .compute_infer = {1, 7}}},
                        .responses = {{.success = {1, 4}}, {.cancel = {1, 5}}},
                        .memory = {{"CPU", 0, 4096}}};
  const std::string text = EncodeStatistics({model, {.name = "n"}});
  const auto read = ParseStatistics(text, kMaxBytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(EncodeStatistics(*read), text);
  EXPECT_THAT(ErrorOf(ParseStatistics(text, 10)), HasSubstr("10 allowed"));
  EXPECT_THAT(ErrorOf(ParseStatistics(R"({"model_stats":[{"name":1}]})", kMaxBytes)),
              HasSubstr("model_stats[0].name"));
  const auto sparse = ParseStatistics(
      R"({"model_stats":[{"name":"m","response_stats":{"7":{},"x":{"success":{"count":1}}}}]})",
      kMaxBytes);
  EXPECT_EQ(sparse->at(0).responses.size(), 2u);
}

TEST(ParseLoadRequest, ReadsTheConfiguration) {
  EXPECT_EQ(ParseLoadRequest("", kMaxBytes)->config_json, "");
  EXPECT_EQ(ParseLoadRequest("{}", kMaxBytes)->config_json, "");
  const auto load =
      ParseLoadRequest(R"({"parameters":{"config":"{\"backend\":\"x\"}"}})", kMaxBytes);
  ASSERT_TRUE(load);
  EXPECT_EQ(load->config_json, R"({"backend":"x"})");
  EXPECT_THAT(ErrorOf(ParseLoadRequest(R"({"parameters":{"config":{}}})", kMaxBytes)),
              HasSubstr("'parameters.config' must be a string"));
}

TEST(ParseLoadRequest, DecodesFiles) {
  const auto load = ParseLoadRequest(
      R"({"parameters":{"config":"{}","file:1/model.onnx":"AAEC","file:1/empty":""}})", kMaxBytes);
  ASSERT_TRUE(load) << load.error().message();
  ASSERT_EQ(load->files.size(), 2u);
  EXPECT_EQ(load->files.at("1/model.onnx").text(), std::string_view("\0\1\2", 3));
  EXPECT_TRUE(load->files.at("1/empty").empty());
}

TEST(ParseLoadRequest, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"parameters":[]})", "'parameters' must be an object"},
      {R"({"parameters":{"file:1/m":5}})", "'parameters.file:1/m' must be a string of base64"},
      {R"({"parameters":{"file:1/m":"A*"}})", "'parameters.file:1/m' is no base64"},
      {R"({"parameters":{"file:1/m":"AAAA","file:1/n":"AAAAAAAA"}})",
       "larger than the 8 bytes allowed, with 'file:1/n'"},
      {R"({"parameters":{"file:1/m":"AAAA","file:1/m":"AAAA"}})", "is given twice"},
      {R"({"parameters":{"other":"x"}})", "'parameters.other' is unknown"},
      {R"({"parameters":{}} {})", "followed by something else"},
      {R"([])", "must be a JSON object"},
      {R"({"parameters":)", "malformed"},
      {"\xff", "malformed"}};
  for (const auto& [body, error] : table)
    EXPECT_THAT(ErrorOf(ParseLoadRequest(body, 8)), HasSubstr(error)) << body;
}

TEST(ParseUnloadRequest, ReadsWhetherDependentsGoToo) {
  EXPECT_FALSE(ParseUnloadRequest("")->unload_dependents);
  EXPECT_FALSE(ParseUnloadRequest(R"({"parameters":{}})")->unload_dependents);
  EXPECT_TRUE(
      ParseUnloadRequest(R"({"parameters":{"unload_dependents":true}})")->unload_dependents);
  EXPECT_THAT(ErrorOf(ParseUnloadRequest(R"({"parameters":{"unload_dependents":1}})")),
              HasSubstr("'parameters.unload_dependents' must be"));
}

TEST(ParseSystemRegister, ReadsARegion) {
  const auto region =
      ParseSystemRegister(R"({"key":"/k","offset":4096,"byte_size":64})", "r").value();
  EXPECT_EQ(region.name, "r");
  EXPECT_EQ(region.key, "/k");
  EXPECT_EQ(region.offset, 4096u);
  EXPECT_EQ(region.byte_size, 64u);
  EXPECT_EQ(ParseSystemRegister(R"({"key":"/k","byte_size":64})", "r")->offset, 0u);
}

TEST(ParseSystemRegister, NamesWhatIsMissingOrWrong) {
  const std::pair<const char*, const char*> table[] = {
      {"", "no 'key' field"},
      {R"({"key":"/k"})", "no 'byte_size' field"},
      {R"({"key":5,"byte_size":1})", "'key' must be a string"},
      {R"({"key":"/k","byte_size":-1})", "'byte_size' is -1"},
      {R"({"key":"/k","byte_size":1.5})", "'byte_size' must be an integer"},
      {R"({"key":"/k","byte_size":1,"offset":"0"})", "'offset' must be an integer"}};
  for (const auto& [body, error] : table)
    EXPECT_THAT(ErrorOf(ParseSystemRegister(body, "r")), HasSubstr(error)) << body;
}

TEST(ParseCudaRegister, ReadsTheHandle) {
  const std::string handle = std::string(84, 'A') + "AQ==";  // 64 bytes, the last of them 1
  const auto region = ParseCudaRegister(
      R"({"raw_handle":{"b64":")" + handle + R"("},"device_id":1,"byte_size":8})", "r");
  ASSERT_TRUE(region) << region.error().message();
  EXPECT_EQ(region->raw_handle.size(), 64u);
  EXPECT_EQ(region->device_id, 1);
  EXPECT_THAT(ErrorOf(ParseCudaRegister(R"({"raw_handle":{"b64":"AAAA"}})", "r")),
              HasSubstr("64 bytes in base64"));
  EXPECT_THAT(ErrorOf(ParseCudaRegister("{}", "r")), HasSubstr("no 'raw_handle' field"));
}

TEST(EncodeRegions, ListsThem) {
  EXPECT_EQ(EncodeRegions(std::vector<SystemRegion>{{"a", "/k", 1, 2}, {"b", "/l", 0, 9}}),
            R"([{"name":"a","key":"/k","offset":1,"byte_size":2},)"
            R"({"name":"b","key":"/l","offset":0,"byte_size":9}])");
  EXPECT_EQ(EncodeRegions(std::vector<CudaRegion>{{"c", "", 1, 2}}),
            R"([{"name":"c","device_id":1,"byte_size":2}])");
  EXPECT_EQ(EncodeRegions(std::vector<CudaRegion>()), "[]");
}

TEST(TraceSettings, AreTextListsOfTextOrReset) {
  const auto settings = ParseTraceSettings(
      R"({"trace_level":["TIMESTAMPS","TENSORS"],"trace_rate":"1","trace_count":null})");
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->at("trace_level"), ElementsAre("TIMESTAMPS", "TENSORS"));
  EXPECT_THAT(settings->at("trace_rate"), ElementsAre("1"));
  EXPECT_THAT(settings->at("trace_count"), IsEmpty());
  EXPECT_THAT(ErrorOf(ParseTraceSettings(R"({"trace_rate":1})")),
              HasSubstr("'trace_rate' must be a string"));
  EXPECT_THAT(ErrorOf(ParseTraceSettings(R"({"trace_level":[1]})")),
              HasSubstr("'trace_level' must be a list of strings"));
  EXPECT_EQ(EncodeTraceSettings({{"trace_level", {"OFF"}}, {"trace_rate", {"1000"}}}),
            R"({"trace_level":["OFF"],"trace_rate":"1000"})");
}

TEST(LogSettings, AreFlagsNumbersAndText) {
  const auto settings = ParseLogSettings(
      R"({"log_info":true,"log_verbose_level":2,"log_format":"ISO8601","log_file":null})");
  ASSERT_TRUE(settings);
  EXPECT_EQ(*settings, (LogSettings{{"log_info", true},
                                    {"log_verbose_level", uint32_t{2}},
                                    {"log_format", std::string("ISO8601")}}));
  EXPECT_EQ(EncodeLogSettings(*settings),
            R"({"log_format":"ISO8601","log_info":true,"log_verbose_level":2})");
  for (const char* bad :
       {R"({"log_verbose_level":-1})", R"({"log_info":[]})", R"({"log_verbose_level":1.5})", "[]"})
    EXPECT_FALSE(ParseLogSettings(bad)) << bad;
}

}  // namespace
}  // namespace sarai::kserve
