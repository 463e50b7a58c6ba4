#include "telemetry/otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "telemetry/access_line.h"
#include "telemetry/trace_context.h"

namespace sarai::telemetry {
namespace {

using enum TraceActivity;
using ::testing::ElementsAre;

const std::string kTraceId(32, 'a'), kCaller(16, 'b'), kOwn(16, 'c');

TraceRecord ColdRequest() {
  TraceRecord record{.id = 7,
                     .model = "m",
                     .version = "1",
                     .request_id = "r",
                     .trace_id = kTraceId,
                     .span_id = kOwn,
                     .parent_span_id = kCaller,
                     .peer = "10.0.0.1:5",
                     .cold = true,
                     .bytes_in = 4,
                     .bytes_out = 8};
  const auto stamp = [&record](TraceActivity activity, int ms) {
    record.stamps.push_back({activity, TimePoint(std::chrono::milliseconds(ms))});
  };
  stamp(kRequestStart, 0), stamp(kResidencyStart, 0), stamp(kFetchStart, 1);
  stamp(kFetchEnd, 5), stamp(kLoadStart, 5), stamp(kLoadEnd, 9), stamp(kResidencyEnd, 10);
  stamp(kQueueStart, 10), stamp(kComputeStart, 12), stamp(kComputeInputEnd, 13);
  stamp(kComputeOutputStart, 18), stamp(kComputeEnd, 19), stamp(kRequestEnd, 20);
  return record;
}

boost::json::array Spans(const TraceRecord& record, Duration offset = Duration{0}) {
  int last = 0;
  const auto spans = SpansOf(record, offset, [&last] { return std::to_string(++last); });
  const auto body = boost::json::parse(ExportBody({{"service.name", "s"}}, spans));
  return body.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array();
}

// "name parent's name" of each.
std::vector<std::string> Tree(const boost::json::array& spans) {
  std::map<std::string, std::string> names = {{kCaller, "caller"}};
  for (const auto& span : spans)
    names[std::string(span.at("spanId").as_string())] = span.at("name").as_string();
  std::vector<std::string> tree;
  for (const auto& span : spans)
    tree.push_back(std::string(span.at("name").as_string()) + " " +
                   names[std::string(span.at("parentSpanId").as_string())]);
  return tree;
}

TEST(Otlp, AColdRequestShowsItsFetchAndItsLoad) {
  EXPECT_THAT(Tree(Spans(ColdRequest())),
              ElementsAre("InferRequest caller", "m InferRequest", "residency m", "fetch residency",
                          "load residency", "queue m", "compute m", "input compute",
                          "infer compute", "output compute"));
}

TEST(Otlp, WhatARequestCausesHangsBelowItsModelsSpan) {
  TraceRecord step = ColdRequest();
  step.parent_id = 3;
  step.stamps = {{kRequestStart, TimePoint{}}, {kRequestEnd, TimePoint{}}};
  EXPECT_THAT(Tree(Spans(step)), ElementsAre("m caller"));
}

TEST(Otlp, TimesAreThoseOfTheWall) {
  const auto span = Spans(ColdRequest(), std::chrono::seconds(1)).at(0);
  EXPECT_EQ(span.at("startTimeUnixNano").as_string(), "1000000000");
  EXPECT_EQ(span.at("endTimeUnixNano").as_string(), "1020000000");
}

TEST(Otlp, AFailureIsAStatus) {
  TraceRecord record = ColdRequest();
  record.error = "no";
  EXPECT_EQ(Spans(record).at(0).at("status"), boost::json::parse(R"({"code":2,"message":"no"})"));
}

TEST(TraceParent, IsReadWhereItIsValid) {
  struct Case {
    std::string header;
    bool valid;
  };
  const std::string good = "00-" + kTraceId + "-" + kCaller + "-01";
  for (const Case& c : {Case{good, true}, Case{" " + good, true}, Case{good + "-x", false},
                        Case{"01-" + kTraceId + "-" + kCaller + "-01-x", true},
                        Case{"ff-" + kTraceId + "-" + kCaller + "-01", false},
                        Case{"00-" + std::string(32, '0') + "-" + kCaller + "-01", false},
                        Case{"00-" + std::string(32, 'A') + "-" + kCaller + "-01", false},
                        Case{"00-" + kTraceId + "-" + kCaller, false}, Case{"", false}})
    EXPECT_EQ(ParseTraceParent(c.header).has_value(), c.valid) << c.header;
  EXPECT_EQ(ParseTraceParent(good)->trace_id, kTraceId);
  EXPECT_EQ(ParseTraceParent(good)->span_id, kCaller);
}

TEST(AccessLine, SplitsARequestsTime) {
  const auto line =
      boost::json::parse(AccessLine(ColdRequest(), WallTime(std::chrono::seconds(1'700'000'000))));
  EXPECT_EQ(line, boost::json::parse(R"({"time":"2023-11-14T22:13:20.000000Z","protocol":"http",
      "peer":"10.0.0.1:5","model":"m","version":"1","id":"r","status":"ok","bytes_in":4,
      "bytes_out":8,"total_ms":20.000,"load_ms":10.000,"queue_ms":2.000,"compute_ms":7.000,
      "cold":true})"));
}

}  // namespace
}  // namespace sarai::telemetry
