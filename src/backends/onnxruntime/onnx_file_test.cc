#include "backends/onnxruntime/onnx_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "backends/test_support.h"

namespace sarai::backends::ort {
namespace {

TEST(OnnxFile, CountsTheNodesOfTheGraph) {
  EXPECT_EQ(ReadOnnxFile(testing::OnnxModel("identity_fp32")).nodes, 1u);
  EXPECT_EQ(ReadOnnxFile(testing::OnnxModel("sum_and_difference")).nodes, 2u);
  EXPECT_EQ(ReadOnnxFile(testing::OnnxModel("identity_fp32")).bytes, 88u);
}

TEST(OnnxFile, StopsWhereAFileIsNoProtobuf) {
  std::ifstream whole(testing::OnnxModel("sum_and_difference"), std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(whole), {}};
  const std::string path = ::testing::TempDir() + "damaged.onnx";
  for (size_t size = 0; size < good.size(); ++size) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << good.substr(0, size) + "\xff\xff";
    EXPECT_LE(ReadOnnxFile(path).nodes, 2u);
  }
  EXPECT_EQ(ReadOnnxFile("/nowhere/model.onnx").bytes, 0u);
}

}  // namespace
}  // namespace sarai::backends::ort
