#include "net/grpc/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::net {
namespace {

using testing::HasSubstr;
using Encoding = http::ContentEncoding;

constexpr int kResourceExhausted = 8, kInternal = 13;

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string Joined(const GrpcMessage& parts) {
  std::string joined;
  for (const Blob& part : parts) joined += part.text();
  return joined;
}

std::string Framed(std::string text, Encoding encoding = Encoding::kIdentity) {
  return Joined(FrameGrpcMessage({Blob::FromString(std::move(text))}, encoding).value());
}

TEST(GrpcMessageReader, ReadsMessagesWhereverTheirPiecesAreCut) {
  const std::string large(70'000, 'z');
  const std::string stream = Framed("first") + Framed("") + Framed(large) + Framed("last");
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{5}, size_t{4096}, stream.size()}) {
    GrpcMessageReader reader(1 << 20, Encoding::kIdentity);
    std::deque<Blob> messages;
    for (size_t at = 0; at < stream.size(); at += piece)
      ASSERT_TRUE(reader.Read(Bytes(std::string_view(stream).substr(at, piece)), messages).ok());
    ASSERT_EQ(messages.size(), 4u) << piece;
    EXPECT_EQ(messages[0].text(), "first");
    EXPECT_EQ(messages[1].text(), "");
    EXPECT_EQ(messages[2].text(), large);
    EXPECT_EQ(messages[3].text(), "last");
    EXPECT_FALSE(reader.midway());
  }
}

TEST(GrpcMessageReader, KnowsThatAMessageIsNotWhole) {
  GrpcMessageReader reader(100, Encoding::kIdentity);
  std::deque<Blob> messages;
  EXPECT_TRUE(reader.Read(Bytes(std::string_view("\0\0\0\0\2x", 6)), messages).ok());
  EXPECT_TRUE(messages.empty());
  EXPECT_TRUE(reader.midway());
}

TEST(GrpcMessageReader, DecompressesWhatIsMarked) {
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kDeflate}) {
    GrpcMessageReader reader(1 << 20, encoding);
    std::deque<Blob> messages;
    const std::string text(100'000, 'a');
    const std::string stream = Framed(text, encoding) + Framed("plain");
    EXPECT_LT(stream.size(), 10'000u);
    ASSERT_TRUE(reader.Read(Bytes(stream), messages).ok());
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].text(), text);
    EXPECT_EQ(messages[1].text(), "plain");
  }
}

TEST(GrpcMessageReader, RefusesWhatIsTooLargeOrNoMessage) {
  struct Case {
    std::string bytes;
    Encoding encoding;
    int code;
    std::string text;
  };
  const std::vector<Case> cases = {
      {Framed(std::string(101, 'x')), Encoding::kIdentity, kResourceExhausted, "101 vs. 100"},
      {std::string("\0\xff\xff\xff\xff", 5), Encoding::kIdentity, kResourceExhausted, "vs. 100"},
      {std::string("\7\0\0\0\1x", 6), Encoding::kIdentity, kInternal, "flag 7"},
      {Framed("x", Encoding::kGzip), Encoding::kIdentity, kInternal, "no grpc-encoding"},
      {Framed(std::string(5'000, 'x'), Encoding::kGzip), Encoding::kGzip, kResourceExhausted,
       "Decompressed message larger than max (100)"},
      {std::string("\1\0\0\0\4junk", 9), Encoding::kGzip, kInternal, "gzip"},
  };
  for (const Case& c : cases) {
    GrpcMessageReader reader(100, c.encoding);
    std::deque<Blob> messages;
    const GrpcStatus status = reader.Read(Bytes(c.bytes), messages);
    EXPECT_EQ(status.code, c.code) << c.text;
    EXPECT_THAT(status.message, HasSubstr(c.text));
    EXPECT_TRUE(messages.empty());
  }
}

TEST(FrameGrpcMessage, SharesLargePartsAndJoinsSmallOnes) {
  const Blob large = Blob::FromString(std::string(1 << 20, 'x'));
  const auto framed =
      FrameGrpcMessage({Blob::FromString("a"), Blob::FromString("b"), large, Blob::FromString("c")},
                       Encoding::kIdentity);
  ASSERT_TRUE(framed);
  ASSERT_EQ(framed->size(), 3u);
  EXPECT_EQ(framed->at(0).text(), std::string_view("\0\0\x10\0\3"
                                                   "ab",
                                                   7));
  EXPECT_EQ(framed->at(1).data(), large.data());
}

TEST(ParseGrpcTimeout, ReadsTheSixUnits) {
  using namespace std::chrono_literals;
  const std::pair<const char*, std::optional<Duration>> table[] = {{"99999999H", 24h * 366 * 100},
                                                                   {"1H", 1h},
                                                                   {"2M", 2min},
                                                                   {"3S", 3s},
                                                                   {"40m", 40ms},
                                                                   {"5u", 5us},
                                                                   {"99999999n", 99'999'999ns},
                                                                   {"0m", 0ms},
                                                                   {"", {}},
                                                                   {"m", {}},
                                                                   {"100", {}},
                                                                   {"-1S", {}},
                                                                   {"1 S", {}},
                                                                   {"123456789S", {}},
                                                                   {"1x", {}}};
  for (const auto& [text, wanted] : table) EXPECT_EQ(ParseGrpcTimeout(text), wanted) << text;
}

TEST(PercentEncodeStatus, KeepsPrintableAsciiOnly) {
  EXPECT_EQ(PercentEncodeStatus("50% of 'é'\n"), "50%25 of '%C3%A9'%0A");
}

TEST(BinaryFields, TravelInBase64) {
  EXPECT_TRUE(IsBinaryField("x-trace-bin"));
  EXPECT_FALSE(IsBinaryField("x-trace"));
  const std::string bytes("\0\xff\1", 3);
  EXPECT_EQ(DecodeBinaryField(EncodeBinaryField(bytes)), bytes);
  EXPECT_EQ(DecodeBinaryField("AAE"), std::string("\0\1", 2));
  EXPECT_EQ(DecodeBinaryField("AAE=,AA=="), std::string("\0\1", 2));
}

}  // namespace
}  // namespace sarai::net
