#include "instance/front/grpc/carried_call.h"

#include <gtest/gtest.h>

#include "wire/http/text_of.h"

namespace sarai::instance {
namespace {

namespace codec = kserve::grpc;
using std::chrono::microseconds;

class CarriedCallTest : public testing::Test {
 protected:
  net::GrpcCallPtr Call() {
    http::Request request = codec::CarryCall(
        {.method = "/service/Method", .timeout = microseconds(5)}, Blob::FromString("asked"));
    request.cancellation = client_;
    return CarriedCall::Make(std::move(request), TimePoint(), [this](http::Response response) {
      EXPECT_FALSE(answer_.has_value()) << "answered twice";
      answer_ = std::move(response);
    });
  }

  // All that has been written so far.
  std::string Written() {
    std::string text;
    for (auto chunk = answer_->stream->Read([] {}); !chunk.part.empty();
         chunk = answer_->stream->Read([] {}))
      text += chunk.part.text();
    return text;
  }

  const CancellationPtr client_ = std::make_shared<Cancellation>();
  std::optional<http::Response> answer_;
};

TEST_F(CarriedCallTest, HasOneMessageAndItsDeadline) {
  const net::GrpcCallPtr call = Call();
  EXPECT_EQ(call->method(), "/service/Method");
  EXPECT_EQ(call->deadline(), TimePoint() + microseconds(5));
  std::vector<std::optional<Blob>> read;
  for (int i = 0; i < 2; ++i)
    call->Read([&read](std::optional<Blob> message) { read.push_back(std::move(message)); });
  ASSERT_TRUE(read[0].has_value());
  EXPECT_EQ(read[0]->text(), "asked");
  EXPECT_FALSE(read[1].has_value());
  call->Finish({}, {});
}

TEST_F(CarriedCallTest, OneMessageIsTheBodyAsItIs) {
  net::GrpcMetadata trailing;
  trailing.Add("x-sarai-model-state", "warm");
  Call()->FinishWith({Blob::FromString("ans"), Blob::FromString("wer")}, std::move(trailing));
  ASSERT_TRUE(answer_.has_value());
  EXPECT_FALSE(codec::IsFramed(*answer_));
  EXPECT_EQ(http::TextOf(*answer_), "answer");
  EXPECT_EQ(answer_->headers.Get("x-sarai-model-state"), "warm");
  EXPECT_EQ(codec::ReadCarriedEnd(*answer_)->code, 0);
}

TEST_F(CarriedCallTest, SeveralMessagesAreFrames) {
  const net::GrpcCallPtr call = Call();
  EXPECT_TRUE(call->Write({Blob::FromString("one")}));
  ASSERT_TRUE(answer_.has_value());
  EXPECT_TRUE(codec::IsFramed(*answer_));
  EXPECT_TRUE(call->Write({Blob::FromString(std::string(1 << 20, 'x'))}));
  call->Finish({.code = 14, .message = "stopping"}, {});
  codec::FrameReader reader(2 << 20);
  reader.Add(Blob::FromString(Written()));
  EXPECT_EQ((**reader.Next()).message.text(), "one");
  EXPECT_EQ((**reader.Next()).message.size(), 1u << 20);
  const auto last = reader.Next();
  ASSERT_TRUE(last && *last && (*last)->is_end);
  EXPECT_EQ((*last)->end.code, 14);
  EXPECT_FALSE(call->Write({Blob::FromString("late")}));
}

TEST_F(CarriedCallTest, IsCancelledWhenTheClientLeaves) {
  const net::GrpcCallPtr call = Call();
  client_->Cancel();
  EXPECT_TRUE(call->cancellation()->cancelled());
  call->Finish({}, {});
}

TEST_F(CarriedCallTest, IsCancelledWhenNobodyReadsItsFramesAnyMore) {
  const net::GrpcCallPtr call = Call();
  call->Write({Blob::FromString("one")});
  answer_->stream->Abandon();
  EXPECT_TRUE(call->cancellation()->cancelled());
}

TEST_F(CarriedCallTest, EndsAsInternalWhenItIsDropped) {
  (void)Call();
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(codec::ReadCarriedEnd(*answer_)->code, 13);
}

}  // namespace
}  // namespace sarai::instance
