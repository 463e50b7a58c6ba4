#include "wire/kserve/grpc_over_http.h"

#include <gtest/gtest.h>

#include "wire/http/text_of.h"

namespace sarai::kserve::grpc {
namespace {

using std::chrono::microseconds;

TEST(CarriedCall, ComesBackAsItWas) {
  CarriedCall call{.method = "/inference.GRPCInferenceService/ModelInfer",
                   .timeout = microseconds(1500)};
  call.metadata.Add("authorization", "Bearer x y");
  call.metadata.Add("content-length", "7");  // a client's metadata is no header of ours
  call.metadata.Add("trace-bin", std::string("\0\n", 2));
  const http::Request request = CarryCall(call, Blob::FromString("message"));
  ASSERT_TRUE(IsCarriedCall(request.target));
  EXPECT_FALSE(request.headers.Has("content-length"));
  EXPECT_EQ(request.body.text(), "message");
  const CarriedCall read = ReadCarriedCall(request);
  EXPECT_EQ(read.method, call.method);
  EXPECT_EQ(read.timeout, call.timeout);
  EXPECT_EQ(read.metadata.Get("authorization"), "Bearer x y");
  EXPECT_EQ(read.metadata.Get("content-length"), "7");
  EXPECT_FALSE(read.metadata.Has("trace-bin"));
}

TEST(CarriedAnswer, HasTheStatusInBothProtocolsWordsAndItsMetadata) {
  CarriedEnd end{.code = 5, .message = "no such model 'é'\n"};
  end.trailing.Add("x-sarai-wait-ms", "1.5");
  end.trailing.Add("other", "x");
  const http::Response response = CarryAnswer(end, {});
  EXPECT_EQ(response.status, 404);
  const auto read = ReadCarriedEnd(response);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, 5);
  EXPECT_EQ(read->message, end.message);
  EXPECT_EQ(read->trailing.Get("x-sarai-wait-ms"), "1.5");
  EXPECT_EQ(read->trailing.fields().size(), 1u);
}

TEST(CarriedAnswer, WithoutAStatusIsAnError) {
  EXPECT_FALSE(ReadCarriedEnd(http::Response{.status = 404}).has_value());
}

std::string Joined(const std::vector<Blob>& parts) {
  return http::TextOf(http::Response{.body = parts});
}

TEST(FrameReader, FindsFramesHoweverTheBytesAreCut) {
  const std::string bytes =
      Joined({FrameHead(5), Blob::FromString("first"), FrameHead(0), FrameHead(6),
              Blob::FromString("second"), EndFrame(14, "gone away")});
  for (size_t step = 1; step <= bytes.size(); ++step) {
    FrameReader reader(100);
    std::vector<std::string> messages;
    std::optional<CarriedEnd> end;
    for (size_t at = 0; at < bytes.size(); at += step) {
      reader.Add(Blob::FromString(bytes.substr(at, step)));
      for (auto frame = reader.Next(); frame && *frame; frame = reader.Next()) {
        if ((*frame)->is_end)
          end = (*frame)->end;
        else
          messages.emplace_back((*frame)->message.text());
      }
    }
    EXPECT_EQ(messages, (std::vector<std::string>{"first", "", "second"})) << step;
    ASSERT_TRUE(end.has_value()) << step;
    EXPECT_EQ(end->code, 14);
    EXPECT_EQ(end->message, "gone away");
  }
}

TEST(FrameReader, RefusesWhatIsNoFrame) {
  for (const std::string& bytes : {std::string("\x02\0\0\0\0", 5), std::string("\0\0\0\0\x65", 5),
                                   std::string("\x01\0\0\0\x02hi", 7)}) {
    FrameReader reader(100);
    reader.Add(Blob::FromString(bytes));
    EXPECT_FALSE(reader.Next().has_value());
  }
}

}  // namespace
}  // namespace sarai::kserve::grpc
