#include "types/tensor.h"

#include <gtest/gtest.h>

namespace sarai {
namespace {

TEST(DataType, NamesRoundTrip) {
  for (int i = 1; i <= 14; ++i) {
    const auto type = static_cast<DataType>(i);
    EXPECT_EQ(ParseDataTypeName(DataTypeName(type)), type);
  }
  EXPECT_EQ(ParseDataTypeName("FLOAT"), std::nullopt);
  EXPECT_EQ(ParseDataTypeName("INVALID"), std::nullopt);
}

TEST(ElementCount, CountsScalarsEmptyShapesAndRefusesOverflow) {
  EXPECT_EQ(ElementCount(Shape{}).value(), 1);
  EXPECT_EQ(ElementCount(Shape{2, 0, 3}).value(), 0);
  EXPECT_EQ(ElementCount(Shape{2, 3}).value(), 6);
  EXPECT_FALSE(ElementCount(Shape{-1}));
  EXPECT_FALSE(ElementCount(Shape{int64_t{1} << 40, int64_t{1} << 40}));
}

TEST(BytesElements, CarryAnyBytesNulIncluded) {
  const std::vector<std::string_view> elements = {"", std::string_view("a\0b", 3), "xyz"};
  const auto data = EncodeBytesElements(elements);
  EXPECT_EQ(BytesElements(data).value(), elements);
  EXPECT_FALSE(BytesElements(std::span(data).first(data.size() - 1)));
  EXPECT_FALSE(BytesElements(std::span(data).first(2)));
}

TEST(CheckTensorBytes, RefusesATensorWithoutType) {
  EXPECT_EQ(CheckTensorBytes({.name = "x", .shape = {0}}).message(), "tensor 'x' has no data type");
}

TEST(CheckTensorBytes, NamesTensorAndWhatWasExpected) {
  Tensor tensor{"x", DataType::kFp32, {2, 2}, Blob::FromVector(std::vector<std::byte>(16))};
  EXPECT_TRUE(CheckTensorBytes(tensor).ok());
  tensor.shape = {3, 2};
  EXPECT_EQ(CheckTensorBytes(tensor).message(),
            "tensor 'x': 16 bytes were sent, but FP32 of shape [3,2] needs 24");
  tensor.type = DataType::kBytes;
  tensor.shape = {4};
  EXPECT_TRUE(CheckTensorBytes(tensor).ok());
  tensor.shape = {5};
  EXPECT_FALSE(CheckTensorBytes(tensor).ok());
}

}  // namespace
}  // namespace sarai
