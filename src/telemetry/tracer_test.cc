#include "telemetry/tracer.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace sarai::telemetry {
namespace {

using std::chrono::nanoseconds;

class TracerTest : public ::testing::Test {
 protected:
  TracerTest() { std::filesystem::create_directory(folder); }
  ~TracerTest() override { std::filesystem::remove_all(folder); }

  std::string path() const { return folder / "traces.json"; }
  boost::json::array Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(folder / name).rdbuf();
    return boost::json::parse(text.str()).as_array();
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("tracer" + std::to_string(::getpid()));
};

int CountOf(Tracer& tracer, const std::string& model, int requests) {
  int traced = 0;
  for (int i = 0; i < requests; ++i) traced += tracer.Start(model, "", {}) != nullptr;
  return traced;
}

TEST_F(TracerTest, TracesNothingWhileAllIsOff) {
  Tracer tracer({.start = {.rate = 1}});
  EXPECT_EQ(CountOf(tracer, "m", 3), 0);
}

TEST_F(TracerTest, TakesOneOfSoManyUntilTheCountIsReached) {
  Tracer tracer({.start = {.level = {.timestamps = true}, .rate = 3, .count = 2}});
  EXPECT_EQ(CountOf(tracer, "m", 6), 2);
  EXPECT_EQ(CountOf(tracer, "m", 6), 0);
  EXPECT_EQ(tracer.Settings("").at("trace_count"), std::vector<std::string>{"0"});
  ASSERT_TRUE(tracer.Update("", {{"trace_count", {"1"}}}).ok());
  EXPECT_EQ(CountOf(tracer, "m", 6), 1);
}

TEST_F(TracerTest, AModelWithSettingsOfItsOwnIsCountedByItself) {
  Tracer tracer({.start = {.level = {.timestamps = true}, .rate = 2}});
  ASSERT_TRUE(tracer.Update("own", {{"trace_rate", {"1"}}}).ok());
  EXPECT_EQ(CountOf(tracer, "own", 2), 2);
  EXPECT_EQ(CountOf(tracer, "a", 1) + CountOf(tracer, "b", 1), 1);
  ASSERT_TRUE(tracer.Update("own", {{"trace_level", {"OFF"}}}).ok());
  EXPECT_EQ(CountOf(tracer, "own", 2), 0);
}

TEST_F(TracerTest, WritesTracesAndThoseTheyCausedInTritonsForm) {
  Tracer tracer(
      {.start = {.level = {.timestamps = true, .tensors = true}, .rate = 1}, .file = path()});
  TracePtr trace = tracer.Start("m", "r1", {.over = Caller::Over::kGrpc});
  trace->SetModel("m", "1");
  trace->Stamp(TraceActivity::kRequestStart, TimePoint(nanoseconds(5)));
  trace->Stamp(TraceActivity::kSendEnd, TimePoint(nanoseconds(9)));
  trace->AddTensor(TraceActivity::kTensorQueueInput,
                   {.name = "x",
                    .type = DataType::kInt32,
                    .shape = {1, 2},
                    .data = Blob::FromString(std::string("\1\0\0\0\2\0\0\0", 8))});
  trace->Child() = nullptr;  // is written first
  trace = nullptr;
  tracer.Flush();
  const auto array = Read("traces.json");
  ASSERT_EQ(array.size(), 4u);
  EXPECT_EQ(array[0].at("parent_id"), 1);
  EXPECT_EQ(array[1],
            boost::json::parse(R"({"id":1,"model_name":"m","model_version":1,"request_id":"r1"})"));
  EXPECT_EQ(array[2], boost::json::parse(R"({"id":1,"timestamps":[{"name":"REQUEST_START","ns":5},
                                             {"name":"GRPC_SEND_END","ns":9}]})"));
  EXPECT_EQ(array[3], boost::json::parse(R"({"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":
                       {"name":"x","data":"1,2","shape":"1,2","dtype":"INT32"}})"));
}

TEST_F(TracerTest, BeginsANewFileAfterSoManyTraces) {
  Tracer tracer(
      {.start = {.level = {.timestamps = true}, .rate = 1, .log_frequency = 2}, .file = path()});
  EXPECT_EQ(CountOf(tracer, "m", 3), 3);
  tracer.Flush();
  EXPECT_EQ(Read("traces.json.0").size(), 2u);
  EXPECT_EQ(Read("traces.json.1").size(), 1u);
}

TEST_F(TracerTest, ARequestThatItsCallerTracesIsTracedWhateverTheRate) {
  std::vector<TraceRecord> exported;
  Tracer tracer({.start = {.level = {.timestamps = true}, .rate = 0},
                 .exporter = [&](TraceRecord record) { exported.push_back(std::move(record)); }});
  const std::string id(32, 'a'), span(16, 'b');
  EXPECT_EQ(tracer.Start("m", "", {}), nullptr);
  tracer.Start("m", "", {.trace_parent = "00-" + id + "-" + span + "-01", .trace_state = "k=v"})
      ->Child();
  ASSERT_EQ(exported.size(), 2u);  // the one it caused ends first
  EXPECT_EQ(exported[1].trace_id, id);
  EXPECT_EQ(exported[1].parent_span_id, span);
  EXPECT_EQ(exported[1].trace_state, "k=v");
  EXPECT_EQ(exported[0].trace_id, id);
  EXPECT_EQ(exported[0].parent_span_id, exported[1].span_id);
}

TEST_F(TracerTest, TheAccessLogHearsOfEveryRequestAndTheFileOfThePicked) {
  int heard = 0;
  Tracer tracer({.start = {.level = {.timestamps = true}, .rate = 2},
                 .file = path(),
                 .access = [&](const TraceRecord&) { ++heard; }});
  for (int i = 0; i < 4; ++i) tracer.Start("m", "", {})->Child();
  tracer.Flush();
  EXPECT_EQ(heard, 4);
  EXPECT_EQ(Read("traces.json").size(), 4u);  // two, and what each caused
}

}  // namespace
}  // namespace sarai::telemetry
