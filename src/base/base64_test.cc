#include "base/base64.h"

#include <string>

#include <gtest/gtest.h>

namespace sarai {
namespace {

std::string Decoded(std::string_view text) {
  const auto bytes = Base64Decode(text);
  if (!bytes) return "(none)";
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

TEST(Base64Decode, ReadsTheStandardsExamples) {
  const std::pair<const char*, const char*> table[] = {{"", ""},
                                                       {"Zg==", "f"},
                                                       {"Zm8=", "fo"},
                                                       {"Zm9v", "foo"},
                                                       {"Zm9vYg", "foob"},
                                                       {"Zm9v\r\nYmE=", "fooba"},
                                                       {"Zm9vYmFy", "foobar"},
                                                       {"+/8=", "\xfb\xff"}};
  for (const auto& [text, bytes] : table) EXPECT_EQ(Decoded(text), bytes) << text;
}

TEST(Base64Encode, WritesTheStandardsExamples) {
  const std::pair<const char*, const char*> table[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"\xfb\xff", "+/8="}};
  for (const auto& [bytes, text] : table) EXPECT_EQ(Base64Encode(bytes), text);
}

TEST(Base64Decode, RefusesWhatIsNone) {
  for (const char* bad : {"Z", "Zm9vY", "Zg=", "Zg===", "=", "Zg==Zg==", "Z-_=",
                          "Zm\xff"
                          "v"})
    EXPECT_EQ(Decoded(bad), "(none)") << bad;
}

}  // namespace
}  // namespace sarai
