// A gRPC call of tests: its messages are given, what is written is kept.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "net/grpc/server.h"
#include "wire/http/text_of.h"

namespace sarai::gateway {

class FakeCall final : public net::GrpcCall {
 public:
  explicit FakeCall(std::string method) : method_(std::move(method)) {}

  const std::string& method() const override { return method_; }
  const net::GrpcMetadata& metadata() const override { return given_metadata; }
  std::string peer() const override { return "test"; }
  TimePoint deadline() const override { return TimePoint::max(); }
  const CancellationPtr& cancellation() const override { return cancellation_; }

  void Read(OnMessage on_message) override {
    EXPECT_FALSE(reader_) << "two Reads at a time";
    reader_ = std::move(on_message);
    Feed();
  }
  bool Write(net::GrpcMessage message) override {
    EXPECT_FALSE(finished);
    written.push_back(http::TextOf({.body = std::move(message)}));
    return true;
  }
  void FinishWith(net::GrpcMessage message, net::GrpcMetadata trailing_metadata) override {
    Write(std::move(message));
    Finish({}, std::move(trailing_metadata));
  }
  void Finish(net::GrpcStatus with, net::GrpcMetadata trailing_metadata) override {
    EXPECT_FALSE(finished) << "finished twice";
    finished = true;
    status = std::move(with);
    trailing = std::move(trailing_metadata);
  }

  void Send(Blob message) {
    incoming_.emplace_back(std::move(message));
    Feed();
  }
  void SendNoMore() {
    incoming_.emplace_back(std::nullopt);
    Feed();
  }

  net::GrpcMetadata given_metadata, trailing;
  std::vector<std::string> written;
  net::GrpcStatus status{.code = -1};
  bool finished = false;

 private:
  void Feed() {
    if (!reader_ || incoming_.empty()) return;
    auto message = std::move(incoming_.front());
    incoming_.pop_front();
    std::exchange(reader_, nullptr)(std::move(message));
  }

  const std::string method_;
  const CancellationPtr cancellation_ = std::make_shared<Cancellation>();
  OnMessage reader_;
  std::deque<std::optional<Blob>> incoming_;
};

}  // namespace sarai::gateway
