#include "backends/host/messages.h"

#include <gtest/gtest.h>

#include "backends/test_support.h"

namespace sarai::backends::host {
namespace {

using testing::Floats;
using testing::Strings;
using testing::Values;

TEST(Messages, CarryASpec) {
  ModelSpec spec = testing::MakeSpec(
      "/m/1/model.pt", {{.name = "x", .type = DataType::kBf16, .dims = {-1, 3}, .optional = true}},
      {{.name = "y", .type = DataType::kBytes, .dims = {1}}}, 16);
  spec.reshape["x"] = {3, -1};
  spec.parameters["k"] = "v";
  spec.instance_count = 4;
  spec.optimization.graph_level = -1;
  spec.operation_libraries = {"/m/lib.so"};
  Writer writer;
  WriteSpec(writer, spec);
  Reader reader(writer.bytes());
  const ModelSpec read = ReadSpec(reader);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(read.name, spec.name);
  EXPECT_EQ(read.artifact, spec.artifact);
  EXPECT_EQ(read.max_batch_size, 16);
  EXPECT_EQ(read.instance_count, 4);
  ASSERT_EQ(read.inputs.size(), 1u);
  EXPECT_EQ(read.inputs[0].dims, (Shape{-1, 3}));
  EXPECT_TRUE(read.inputs[0].optional);
  EXPECT_EQ(read.outputs[0].type, DataType::kBytes);
  EXPECT_EQ(read.reshape, spec.reshape);
  EXPECT_EQ(read.parameters, spec.parameters);
  EXPECT_EQ(read.optimization.graph_level, -1);
  EXPECT_EQ(read.operation_libraries, spec.operation_libraries);
}

TEST(Messages, CarryAStatus) {
  for (const Status& status : {Status(), Status(Code::kDataLoss, "torn")}) {
    Writer writer;
    WriteStatus(writer, status);
    Reader reader(writer.bytes());
    EXPECT_EQ(ReadStatus(reader).ToString(), status.ToString());
    EXPECT_TRUE(reader.ok());
  }
}

TEST(Messages, PlaceTensorsApartAndAligned) {
  const std::vector<Tensor> tensors = {Floats("a", {3}, {1, 2, 3}), Floats("none", {0}, {}),
                                       Strings("s", {2}, {"x", "yz"})};
  Writer writer;
  const size_t bytes = WriteTensors(writer, tensors);
  std::vector<std::byte> data(bytes);
  CopyData(tensors, data);
  Reader reader(writer.bytes());
  const auto read = ReadTensors(reader, Blob::Copy(data));
  ASSERT_TRUE(reader.ok());
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(Values<float>(read[0]), (std::vector<float>{1, 2, 3}));
  EXPECT_TRUE(read[1].data.empty());
  EXPECT_EQ(read[2].data.text(), tensors[2].data.text());
}

TEST(Messages, CutAnywhereAreRefused) {
  Writer writer;
  WriteSpec(writer,
            testing::MakeSpec("a", {{.name = "x", .type = DataType::kFp32, .dims = {1}}}, {}));
  const size_t data_bytes = WriteTensors(writer, {Floats("a", {1}, {1})});
  const Blob data = Blob::FromVector(std::vector<std::byte>(data_bytes));
  for (size_t size = 0; size < writer.bytes().size(); ++size) {
    Reader reader(writer.bytes().first(size));
    ReadSpec(reader);
    ReadTensors(reader, data);
    EXPECT_FALSE(reader.ok()) << size;
  }
}

TEST(Messages, WithAnyByteChangedNeverReadOutsideTheData) {
  Writer writer;
  const size_t data_bytes =
      WriteTensors(writer, {Floats("a", {2}, {1, 2}), Strings("s", {1}, {"x"})});
  const Blob data = Blob::FromVector(std::vector<std::byte>(data_bytes));
  const std::vector<std::byte> good(writer.bytes().begin(), writer.bytes().end());
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0, 1, 127, 255}) {
      std::vector<std::byte> bad = good;
      bad[at] = static_cast<std::byte>(value);
      Reader reader(bad);
      for (const Tensor& tensor : ReadTensors(reader, data)) {
        EXPECT_GE(tensor.data.data(), data.data());
        EXPECT_LE(tensor.data.data() + tensor.data.size(), data.data() + data.size());
      }
    }
  }
}

}  // namespace
}  // namespace sarai::backends::host
