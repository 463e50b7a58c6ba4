#include "base/byte_stream.h"

#include <gtest/gtest.h>

namespace sarai {
namespace {

Blob Text(std::string text) { return Blob::FromString(std::move(text)); }

TEST(ByteStream, GivesPartsInOrderAndThenItsEnd) {
  ByteStream stream;
  EXPECT_TRUE(stream.Write(Text("a")));
  EXPECT_TRUE(stream.Write(Text("b")));
  stream.End(Status(Code::kInternal, "why"));
  EXPECT_EQ(stream.Read(nullptr).part.text(), "a");
  EXPECT_EQ(stream.Read(nullptr).part.text(), "b");
  const auto last = stream.Read(nullptr);
  EXPECT_TRUE(last.ended);
  EXPECT_EQ(last.failure.message(), "why");
}

TEST(ByteStream, TellsAReaderThatFoundNothingOnce) {
  ByteStream stream;
  int told = 0;
  EXPECT_TRUE(stream.Read([&] { ++told; }).part.empty());
  stream.Write(Text("a"));
  stream.Write(Text("b"));
  EXPECT_EQ(told, 1);
}

TEST(ByteStream, RefusesWhatASlowReaderWouldPileUp) {
  ByteStream stream(4);
  EXPECT_TRUE(stream.Write(Text("longer than the bound, but alone")));
  EXPECT_FALSE(stream.Write(Text("b")));
  stream.Read(nullptr);
  EXPECT_TRUE(stream.Write(Text("b")));
}

TEST(ByteStream, TellsAWriterThatWaitsWhenThereIsRoomOrNobodyReads) {
  ByteStream stream;
  int told = 0;
  EXPECT_FALSE(stream.Lags(2, [&] { ++told; }));
  stream.Write(Text("ab"));
  stream.Write(Text("c"));
  EXPECT_TRUE(stream.Lags(3, [&] { ++told; }));
  stream.Read(nullptr);
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(stream.Lags(1, [&] { ++told; }));
  stream.Abandon();
  EXPECT_EQ(told, 2);
  EXPECT_FALSE(stream.Lags(0, [&] { ++told; }));
}

TEST(ByteStream, TakesNothingFromAWriterWhoseReaderHasGone) {
  ByteStream stream;
  int abandoned = 0;
  stream.OnAbandoned([&] { ++abandoned; });
  stream.Abandon();
  stream.Abandon();
  EXPECT_EQ(abandoned, 1);
  EXPECT_FALSE(stream.Write(Text("a")));
  stream.OnAbandoned([&] { ++abandoned; });
  EXPECT_EQ(abandoned, 2);
}

}  // namespace
}  // namespace sarai
