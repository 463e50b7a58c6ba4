#include "control/front.h"

#include <zlib.h>

#include <gtest/gtest.h>

namespace sarai::control {
namespace {

std::string Gzip(std::string text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string bytes(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

http::Request MakeRequest(const std::string& target, std::string body,
                          const std::string& encoding = "") {
  http::Request request{.method = "POST", .target = "/"};
  request.headers.Add("X-Amz-Target", target);
  if (!encoding.empty()) request.headers.Add("Content-Encoding", encoding);
  request.body = Blob::FromString(std::move(body));
  return request;
}

TEST(ParseCall, TellsTheServicesApart) {
  const auto model = ParseCall(MakeRequest("SageMaker.CreateModel", R"({"a":1})"), 100, "here");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->service, Service::kSageMaker);
  EXPECT_EQ(model->call.operation, "CreateModel");
  EXPECT_EQ(model->call.region, "here");
  EXPECT_EQ(model->call.body.at("a"), 1);
  const auto list =
      ParseCall(MakeRequest("GraniteServiceVersion20100801.ListMetrics", ""), 100, "here");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->service, Service::kCloudWatch);
  EXPECT_TRUE(list->call.body.empty());
}

TEST(ParseCall, ReadsCompressedBodies) {
  const auto call =
      ParseCall(MakeRequest("SageMaker.CreateModel", Gzip(R"({"a":1})"), "gzip"), 100, "here");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->call.body.at("a"), 1);
}

TEST(ParseCall, RefusesWhatItCanNotRead) {
  const auto shape = [](const http::Request& request) {
    const auto call = ParseCall(request, 100, "here");
    return call ? std::string("none") : call.error().shape;
  };
  EXPECT_EQ(shape({.method = "GET", .target = "/"}), "UnknownOperationException");
  EXPECT_EQ(shape({.method = "POST", .target = "/"}), "UnknownOperationException");
  EXPECT_EQ(shape(MakeRequest("Sage", "{}")), "UnknownOperationException");
  for (const char* const body : {"[]", "{", "7", "{}x", "\xff"})
    EXPECT_EQ(shape(MakeRequest("SageMaker.X", body)), "SerializationException") << body;
  EXPECT_EQ(shape(MakeRequest("SageMaker.X", std::string(101, ' '))), "SerializationException");
  EXPECT_EQ(shape(MakeRequest("SageMaker.X", "{}", "br")), "SerializationException");
  EXPECT_EQ(shape(MakeRequest("SageMaker.X", "{}", "gzip")), "SerializationException");
}

TEST(Gunzip, RefusesBombsAndDamage) {
  const std::string bomb = Gzip(std::string(1 << 20, ' '));
  ASSERT_LT(bomb.size(), 4096u);
  EXPECT_EQ(Gunzip(bomb, 4096).error().code(), Code::kResourceExhausted);
  const std::string whole = Gzip("text");
  EXPECT_EQ(*Gunzip(whole, 4), "text");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(Gunzip(whole.substr(0, length), 100).error().code(), Code::kDataLoss) << length;
  std::string damaged = whole;
  damaged[12] ^= 0x55;
  EXPECT_FALSE(Gunzip(damaged, 100));
}

}  // namespace
}  // namespace sarai::control
