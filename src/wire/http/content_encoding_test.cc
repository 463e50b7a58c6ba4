#include "wire/http/content_encoding.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::http {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMaxBytes = 1 << 20;

std::string LongText() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * i) + ",";
  return text;
}

TEST(ContentEncoding, WhatIsEncodedDecodesToItself) {
  for (const auto encoding : {ContentEncoding::kGzip, ContentEncoding::kDeflate})
    for (const std::string& text : {std::string(), std::string("x"), LongText()}) {
      const size_t half = text.size() / 2;
      const auto encoded = Encode(
          encoding, {Blob::FromString(text.substr(0, half)), Blob::FromString(text.substr(half))});
      ASSERT_TRUE(encoded);
      const auto decoded = Decode(encoding, *encoded, kMaxBytes);
      ASSERT_TRUE(decoded) << decoded.error().message();
      EXPECT_EQ(decoded->text(), text);
    }
}

TEST(ContentEncoding, DeflateMayComeWithoutItsHead) {
  const auto encoded = Encode(ContentEncoding::kDeflate, {Blob::FromString(LongText())});
  const Blob raw = encoded->Slice(2, encoded->size() - 2 - 4);  // no head, no checksum
  const auto decoded = Decode(ContentEncoding::kDeflate, raw, kMaxBytes);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(decoded->text(), LongText());
}

TEST(ContentEncoding, GzipMembersFollowOneAnother) {
  const auto one = Encode(ContentEncoding::kGzip, {Blob::FromString("one ")});
  const auto two = Encode(ContentEncoding::kGzip, {Blob::FromString("two")});
  const Blob both = Blob::FromString(std::string(one->text()) + std::string(two->text()));
  EXPECT_EQ(Decode(ContentEncoding::kGzip, both, kMaxBytes)->text(), "one two");
}

TEST(ContentEncoding, ABombIsRefused) {
  const auto bomb = Encode(ContentEncoding::kGzip, {Blob::FromString(std::string(8 << 20, 'a'))});
  const auto decoded = Decode(ContentEncoding::kGzip, *bomb, kMaxBytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Code::kResourceExhausted);
}

TEST(ContentEncoding, DamageIsNamed) {
  const auto whole = *Encode(ContentEncoding::kGzip, {Blob::FromString(LongText())});
  const auto error = [](ContentEncoding encoding, const Blob& body) {
    const auto decoded = Decode(encoding, body, kMaxBytes);
    return decoded ? "" : decoded.error().message();
  };
  EXPECT_THAT(error(ContentEncoding::kGzip, whole.Slice(0, whole.size() - 9)),
              HasSubstr("the gzip body cannot be decompressed: it ends too early"));
  EXPECT_THAT(error(ContentEncoding::kGzip, Blob::FromString("not gzip at all")),
              HasSubstr("incorrect header check"));
  EXPECT_THAT(error(ContentEncoding::kGzip, Blob()), HasSubstr("it ends too early"));
  const auto zlib = *Encode(ContentEncoding::kDeflate, {Blob::FromString("x")});
  EXPECT_THAT(error(ContentEncoding::kDeflate, Blob::FromString(std::string(zlib.text()) + "more")),
              HasSubstr("followed by something else"));
}

TEST(ContentEncoding, SurvivesAnyBytes) {
  std::mt19937 random(7);
  const std::string whole(Encode(ContentEncoding::kGzip, {Blob::FromString(LongText())})->text());
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes = whole.substr(0, 1 + random() % whole.size());
    for (int j = 0; j < 3; ++j) bytes[random() % bytes.size()] = static_cast<char>(random());
    for (const auto encoding : {ContentEncoding::kGzip, ContentEncoding::kDeflate}) {
      const auto decoded = Decode(encoding, Blob::FromString(bytes), kMaxBytes);
      EXPECT_TRUE(!decoded || decoded->size() <= kMaxBytes);
    }
  }
}

TEST(Encode, JoinsThePartsOfABodyThatIsNotCompressed) {
  const auto body =
      Encode(ContentEncoding::kIdentity, {Blob::FromString("a"), Blob(), Blob::FromString("bc")});
  ASSERT_TRUE(body);
  EXPECT_EQ(body->text(), "abc");
}

TEST(PreferredEncoding, FollowsTheQualities) {
  using enum ContentEncoding;
  const std::pair<const char*, ContentEncoding> table[] = {
      {"", kIdentity},
      {"identity", kIdentity},
      {"gzip", kGzip},
      {"GZIP", kGzip},
      {"deflate, gzip", kDeflate},
      {"gzip, deflate, br", kGzip},
      {"br", kIdentity},
      {"gzip;q=0.5, deflate;q=0.9", kDeflate},
      {"gzip;q=0", kIdentity},
      {"gzip;q=0.2, identity;q=0.8", kIdentity},
      {"gzip; q=x, deflate", kDeflate},
      {";;,,;q=", kIdentity}};
  for (const auto& [field, encoding] : table)
    EXPECT_EQ(PreferredEncoding(field), encoding) << field;
}

TEST(ParseContentEncoding, NamesWhatItKnows) {
  EXPECT_EQ(*ParseContentEncoding(" GZip "), ContentEncoding::kGzip);
  EXPECT_EQ(*ParseContentEncoding(""), ContentEncoding::kIdentity);
  const auto unknown = ParseContentEncoding("br");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::kUnimplemented);
  EXPECT_THAT(unknown.error().message(), HasSubstr("'br' is unknown: gzip and deflate"));
}

}  // namespace
}  // namespace sarai::http
