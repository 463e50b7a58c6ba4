#include "backends/load_library.h"

#include <gtest/gtest.h>

#include "backends/test_support.h"

namespace sarai::backends {
namespace {

TEST(LoadBackendLibrary, NamesTheFileThatIsMissing) {
  const auto backend = LoadBackendLibrary("/nowhere/libsarai_x.so", {});
  ASSERT_FALSE(backend);
  EXPECT_EQ(backend.error().code(), Code::kNotFound);
  EXPECT_NE(backend.error().message().find("/nowhere/libsarai_x.so"), std::string::npos);
}

TEST(LoadBackendLibrary, SaysWhyAFileIsNoLibrary) {
  const auto backend = LoadBackendLibrary(testing::OnnxModel("identity_fp32"), {});
  ASSERT_FALSE(backend);
  EXPECT_EQ(backend.error().code(), Code::kFailedPrecondition);
  EXPECT_NE(backend.error().message().find("identity_fp32.onnx"), std::string::npos);
}

TEST(LoadBackendLibrary, SaysThatALibraryIsNoBackend) {
  const auto backend = LoadBackendLibrary("/lib/x86_64-linux-gnu/libm.so.6", {});
  ASSERT_FALSE(backend);
  EXPECT_EQ(backend.error().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace sarai::backends
