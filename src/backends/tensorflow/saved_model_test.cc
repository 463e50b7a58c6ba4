#include "backends/tensorflow/saved_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/tensorflow/graph_writer.h"

namespace sarai::backends::tensorflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string Example() {
  const Message one = SignatureMessage({{"x", "in:0", kFloat, {-1, 4}}},
                                       {{"y", "call:3", kInt32, {-1}}, {"z", "call", kString, {}}});
  return SavedModelBytes({}, {{"serving_default", one},
                              {"other", SignatureMessage({{"a", "in:0", kFloat, {2}}}, {})},
                              {"__saved_model_init_op", SignatureMessage({}, {})}});
}

TEST(SavedModel, TellsTagsAndSignatures) {
  const std::string bytes = Example();
  const auto graphs = ParseSavedModel(Bytes(bytes));
  ASSERT_TRUE(graphs) << graphs.error().ToString();
  ASSERT_EQ(graphs->size(), 1u);
  EXPECT_THAT((*graphs)[0].tags, ElementsAre("serve"));
  ASSERT_EQ((*graphs)[0].signatures.size(), 2u);
  const GraphSignature& signature = (*graphs)[0].signatures.at("serving_default");
  const GraphTensor& x = signature.inputs.at("x");
  EXPECT_EQ(x.operation, "in");
  EXPECT_EQ(x.type, DataType::kFp32);
  EXPECT_EQ(x.dims, (Shape{-1, 4}));
  EXPECT_FALSE(x.unknown_rank);
  const GraphTensor& y = signature.outputs.at("y");
  EXPECT_EQ(y.operation, "call");
  EXPECT_EQ(y.index, 3);
  EXPECT_EQ(signature.outputs.at("z").type, DataType::kBytes);
}

TEST(SavedModel, IsChosenFromByTagAndByName) {
  const std::string bytes = Example();
  const auto graphs = ParseSavedModel(Bytes(bytes));
  ASSERT_TRUE(graphs);
  const auto graph = ChooseGraph(*graphs, "");
  ASSERT_TRUE(graph);
  EXPECT_TRUE(ChooseGraph(*graphs, "serve"));
  const auto missing = ChooseGraph(*graphs, "train");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("serve"));
  EXPECT_TRUE(ChooseSignature(*graph, "")->inputs.contains("x"));
  EXPECT_TRUE(ChooseSignature(*graph, "other")->inputs.contains("a"));
  const auto unknown = ChooseSignature(*graph, "__saved_model_init_op");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("other, serving_default"));
}

TEST(SavedModel, RefusesWhatIsNoneAndWhatIsCutOff) {
  EXPECT_EQ(ParseSavedModel({}).error().code(), Code::kDataLoss);
  EXPECT_EQ(ParseSavedModel(Bytes("this is no model")).error().code(), Code::kDataLoss);
  const std::string whole = Example();
  for (size_t size = 3; size < whole.size(); ++size)
    EXPECT_FALSE(ParseSavedModel(Bytes(whole).first(size))) << size;
}

TEST(SavedModel, NamesTensorsThatNoProtocolCanCarry) {
  constexpr int kComplex64 = 8;
  const std::string bytes = SavedModelBytes(
      {}, {{"serving_default", SignatureMessage({{"wave", "in:0", kComplex64, {}}}, {})}});
  const auto graphs = ParseSavedModel(Bytes(bytes));
  ASSERT_FALSE(graphs);
  EXPECT_THAT(graphs.error().message(), HasSubstr("wave"));
}

}  // namespace
}  // namespace sarai::backends::tensorflow
