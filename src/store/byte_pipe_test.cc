#include "store/byte_pipe.h"

#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace sarai::store {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(BytePipeTest, HandsOnEveryByteInOrderHoldingNoMoreThanItsCapacity) {
  BytePipe pipe(1000);
  std::string sent;
  for (int i = 0; i < 100'000; ++i) sent += static_cast<char>(i * 31);
  std::atomic<size_t> pushed = 0;
  std::thread writer([&] {
    for (size_t at = 0; at < sent.size(); at += 500) {
      EXPECT_TRUE(pipe.Push(Bytes(sent).subspan(at, 500)).ok());
      pushed += 500;
    }
    pipe.CloseWriter({});
  });
  std::string received;
  while (true) {
    const auto bytes = pipe.Pull();
    ASSERT_TRUE(bytes.has_value());
    if (bytes->empty()) break;
    received.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    EXPECT_LE(pushed, received.size() + 1000);
  }
  writer.join();
  EXPECT_TRUE(received == sent);
}

TEST(BytePipeTest, TheReaderGetsTheWritersReason) {
  BytePipe pipe(1000);
  pipe.CloseWriter({Code::kUnavailable, "gone"});
  EXPECT_EQ(pipe.Pull().error().message(), "gone");
}

TEST(BytePipeTest, AWaitingWriterGetsTheReadersReason) {
  BytePipe pipe(10);
  std::thread reader([&] {
    EXPECT_TRUE(pipe.Pull().has_value());
    pipe.CloseReader({Code::kDataLoss, "corrupt"});
  });
  EXPECT_EQ(pipe.Push(Bytes(std::string(100, 'x'))).message(), "corrupt");
  reader.join();
}

}  // namespace
}  // namespace sarai::store
