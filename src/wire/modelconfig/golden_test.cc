// Configurations as users write them (tests/golden/modelconfig/*.pbtxt) against the effective
// configuration that GET …/config shows of them (*.json).
#include "wire/golden.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "model_config.pb.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::modelconfig {
namespace {

std::string Effective(const std::filesystem::path& file) {
  auto config = ParseText(golden::Read(file), file.filename().string());
  if (!config) return config.error().ToString();
  Status status = Autofill(*config, "folder", {"model.onnx"});
  if (!status.ok()) return status.ToString();
  Normalize(*config);
  status = Validate(*config);
  return status.ok() ? ToJson(*config) : status.ToString();
}

TEST(GoldenConfigurations, BecomeWhatTheirTranscriptsSay) {
  const auto files = golden::Files("modelconfig", ".pbtxt");
  ASSERT_GE(files.size(), 5u);
  for (const auto& file : files)
    EXPECT_EQ(Effective(file), Trim(golden::ReadBeside(file, ".json"))) << file;
}

}  // namespace
}  // namespace sarai::modelconfig
