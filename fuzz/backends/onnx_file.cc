// A model file, of which the size and the nodes are counted.
#include <sys/mman.h>
#include <unistd.h>

#include "backends/onnxruntime/onnx_file.h"
#include "backends/pytorch/argument_map.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"

namespace sarai::fuzz {
namespace {

// One file in memory, written anew for each input.
class Scratch {
 public:
  Scratch() : fd_(memfd_create("model", 0)), path_(fmt::format("/proc/self/fd/{}", fd_)) {}
  const std::string& Holding(std::string_view bytes) {
    FUZZ_EXPECT(ftruncate(fd_, 0) == 0);
    FUZZ_EXPECT(pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    return path_;
  }

 private:
  const int fd_;
  const std::string path_;
};

void Names(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view line : Split(text, '\n')) names.emplace_back(line);
  if (names.size() > 16) return;
  const std::vector<std::string> arguments = {"a", "b__1", "INPUT__0", "x"};
  for (const auto& mapped : {backends::torchscript::MapInputs(names, arguments),
                             backends::torchscript::MapOutputs(names)}) {
    if (!ExpectAnswer(mapped)) continue;
    FUZZ_EXPECT(mapped->size() == names.size());
  }
}

void Run(Input input) {
  static Scratch scratch;
  Names(input.rest());
  const auto file = backends::ort::ReadOnnxFile(scratch.Holding(input.rest()));
  FUZZ_EXPECT(file.bytes == input.rest().size());
  FUZZ_EXPECT(file.nodes <= file.bytes);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
