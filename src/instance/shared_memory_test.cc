#include "instance/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::instance {
namespace {

using testing::HasSubstr;

// An object as a client makes it, mapped by the client too.
class ClientObject {
 public:
  ClientObject(const char* what, size_t size)
      : key_(fmt::format("/sarai_test_{}_{}", getpid(), what)), size_(size) {
    fd_ = shm_open(key_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    EXPECT_GE(fd_, 0);
    Resize(size);
    base_ = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
  }
  ~ClientObject() {
    munmap(base_, size_);
    close(fd_);
    shm_unlink(key_.c_str());
  }
  void Resize(size_t size) { EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(size)), 0); }
  void Put(size_t offset, std::string_view bytes) {
    std::memcpy(base_ + offset, bytes.data(), bytes.size());
  }
  std::string_view Get(size_t offset, size_t size) const { return {base_ + offset, size}; }
  const std::string& key() const { return key_; }

 private:
  const std::string key_;
  const size_t size_;
  int fd_ = -1;
  char* base_ = nullptr;
};

Tensor Named(std::string name, DataType type, Shape shape, Blob data = {}) {
  return {
      .name = std::move(name), .type = type, .shape = std::move(shape), .data = std::move(data)};
}

InferRequest OneInput(DataType type, SharedMemoryUse use) {
  InferRequest request;
  request.inputs.push_back(Named("x", type, {4}));
  request.shared_inputs.emplace("x", std::move(use));
  return request;
}

InferRequest OneOutput(SharedMemoryUse use) {
  InferRequest request;
  request.outputs.push_back({.name = "y", .shared_memory = std::move(use)});
  return request;
}

std::string ErrorOf(const Status& status) { return status.ok() ? "ok" : status.ToString(); }
std::string ErrorOf(const Result<SharedOutputs>& result) {
  return result ? "ok" : result.error().ToString();
}

class SharedMemoryTest : public testing::Test {
 protected:
  SharedMemoryTest() { object.Put(0, "0123456789abcdef"); }
  Status Register(const std::string& name, uint64_t offset, uint64_t size) {
    return memory.Register({name, object.key(), offset, size});
  }
  ClientObject object{"object", 8192};
  SharedMemory memory{{}};
};

TEST_F(SharedMemoryTest, InputsAreViewsOfTheRegion) {
  ASSERT_TRUE(Register("r", 4, 12).ok());
  InferRequest request = OneInput(DataType::kUint8, {"r", 2, 4});
  ASSERT_TRUE(memory.Resolve(request));
  EXPECT_EQ(request.inputs[0].data.text(), "6789");
  object.Put(6, "XY");
  EXPECT_EQ(request.inputs[0].data.text(), "XY89");
}

TEST_F(SharedMemoryTest, StringsAreCopiedBecauseTheirLengthsAreReadTwice) {
  ASSERT_TRUE(Register("r", 0, 16).ok());
  InferRequest request = OneInput(DataType::kBytes, {"r", 0, 8});
  ASSERT_TRUE(memory.Resolve(request));
  object.Put(0, "XY");
  EXPECT_EQ(request.inputs[0].data.text(), "01234567");
}

TEST_F(SharedMemoryTest, OutputsAreWrittenIntoTheRegion) {
  ASSERT_TRUE(Register("r", 8, 100).ok());
  InferRequest request = OneOutput({"r", 2, 6});
  const auto outputs = memory.Resolve(request);
  ASSERT_TRUE(outputs);
  ASSERT_FALSE(outputs->empty());
  EXPECT_TRUE(outputs
                  ->Write({Named("z", DataType::kUint8, {1}, Blob::FromString("?")),
                           Named("y", DataType::kUint8, {3}, Blob::FromString("YYY"))})
                  .ok());
  EXPECT_EQ(object.Get(8, 6), "89YYYd");
  EXPECT_THAT(
      ErrorOf(outputs->Write({Named("y", DataType::kUint8, {7}, Blob::FromString("7777777"))})),
      HasSubstr("internal: shared memory size specified with the request for output 'y' (6 bytes) "
                "should be at least 7 bytes"));
}

TEST_F(SharedMemoryTest, RefusesToRegisterWhatIsNotThere) {
  ASSERT_TRUE(Register("r", 0, 16).ok());
  EXPECT_THAT(ErrorOf(Register("r", 0, 16)), HasSubstr("'r' already in manager"));
  EXPECT_THAT(ErrorOf(Register("s", 0, 8193)), HasSubstr("invalid args: offset 0 and byte_size"));
  EXPECT_THAT(ErrorOf(Register("s", 8192, 1)), HasSubstr("invalid args"));
  EXPECT_THAT(ErrorOf(Register("s", UINT64_MAX, 2)), HasSubstr("invalid args"));
  EXPECT_THAT(ErrorOf(Register("s", 1, UINT64_MAX)), HasSubstr("invalid args"));
  EXPECT_THAT(ErrorOf(Register("s", 0, 0)), HasSubstr("invalid args"));
  EXPECT_THAT(ErrorOf(memory.Register({"s", "/sarai_no_such", 0, 1})),
              HasSubstr("internal: Unable to open shared memory region: '/sarai_no_such'"));
  EXPECT_THAT(ErrorOf(memory.Register({"s", "///", 0, 1})), HasSubstr("no key of an object"));
  EXPECT_THAT(ErrorOf(memory.Register({"s", "/triton_python_backend_shm_region_1", 0, 1})),
              HasSubstr("reserved prefix"));
  EXPECT_THAT(ErrorOf(memory.Register({"", object.key(), 0, 1})), HasSubstr("'region name'"));
  EXPECT_EQ(memory.List("")->size(), 1u);
}

TEST_F(SharedMemoryTest, RefusesPlacesThatAreNotInTheRegion) {
  ASSERT_TRUE(Register("r", 16, 32).ok());
  const std::pair<SharedMemoryUse, const char*> table[] = {
      {{"none", 0, 4}, "Unable to find shared memory region: 'none'"},
      {{"r", 32, 0}, "Invalid offset for shared memory region: 'r'"},
      {{"r", 0, 33}, "Invalid offset + byte size for shared memory region: 'r'"},
      {{"r", 31, 2}, "Invalid offset + byte size"},
      {{"r", 1, UINT64_MAX}, "Invalid offset + byte size"}};
  for (const auto& [use, error] : table) {
    InferRequest input = OneInput(DataType::kUint8, use), output = OneOutput(use);
    EXPECT_THAT(ErrorOf(memory.Resolve(input)), AllOf(HasSubstr("input 'x': "), HasSubstr(error)));
    EXPECT_THAT(ErrorOf(memory.Resolve(output)),
                AllOf(HasSubstr("output 'y': "), HasSubstr(error)));
  }
}

TEST_F(SharedMemoryTest, SurvivesAnObjectThatShrinks) {
  ASSERT_TRUE(Register("r", 0, 8192).ok());
  InferRequest late = OneOutput({"r", 4096, 4});
  const auto outputs = memory.Resolve(late);
  ASSERT_TRUE(outputs);
  object.Resize(4096);
  InferRequest input = OneInput(DataType::kUint8, {"r", 4096, 4});
  EXPECT_THAT(ErrorOf(memory.Resolve(input)), HasSubstr("has shrunk"));
  EXPECT_TRUE(outputs->Write({Named("y", DataType::kUint8, {4}, Blob::FromString("abcd"))}).ok());
}

TEST_F(SharedMemoryTest, ARegionInUseOutlivesItsName) {
  ASSERT_TRUE(Register("r", 0, 16).ok());
  InferRequest request = OneInput(DataType::kUint8, {"r", 0, 4});
  ASSERT_TRUE(memory.Resolve(request));
  ASSERT_TRUE(memory.Unregister("r").ok());
  EXPECT_EQ(memory.List("")->size(), 0u);
  EXPECT_EQ(request.inputs[0].data.text(), "0123");
  EXPECT_TRUE(Register("r", 0, 16).ok());
}

TEST_F(SharedMemoryTest, ListsRegionsByKind) {
  ASSERT_TRUE(Register("a", 1, 2).ok());
  ASSERT_TRUE(Register("b", 0, 4).ok());
  EXPECT_EQ(memory.List("")->size(), 2u);
  EXPECT_EQ(memory.List("a")->front().offset, 1u);
  EXPECT_EQ(memory.List("c").error().message(), "Unable to find system shared memory region: 'c'");
  EXPECT_TRUE(memory.ListCuda("")->empty());
  EXPECT_EQ(memory.ListCuda("c").error().message(),
            "Unable to find cuda shared memory region: 'c'");
  EXPECT_THAT(memory.ListCuda("a").error().message(), HasSubstr("not CUDA shared memory"));
  EXPECT_THAT(ErrorOf(memory.RegisterCuda({"g", std::string(64, 'x'), 0, 4})),
              HasSubstr("CUDA shared memory region: 'g', GPUs not supported"));
  EXPECT_TRUE(memory.Unregister("").ok());
  EXPECT_TRUE(memory.List("")->empty());
}

TEST(SharedMemory, CanBeForbidden) {
  SharedMemory memory({.allowed = false});
  EXPECT_EQ(memory.Register({"r", "/k", 0, 1}).code(), Code::kUnimplemented);
  EXPECT_EQ(memory.Unregister("").code(), Code::kUnimplemented);
  EXPECT_EQ(memory.RegisterCuda({}).code(), Code::kUnimplemented);
  EXPECT_TRUE(memory.List(""));
}

}  // namespace
}  // namespace sarai::instance
