// What a backend host and its parent tell each other: which message in the first line, then its
// bytes and, behind a byte that says how many they are, those of tensors.
#include "backends/host/host_arguments.h"
#include "backends/host/messages.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"

namespace sarai::fuzz {
namespace {

using namespace backends::host;

std::string Bytes(const Writer& writer) {
  return {reinterpret_cast<const char*>(writer.bytes().data()), writer.bytes().size()};
}

// Read, written, read and written again: the same bytes.
template <typename Read, typename Write>
void ExpectSameAgain(std::string_view bytes, Read read, Write write) {
  Reader reader(std::as_bytes(std::span(bytes)));
  const auto value = read(reader);
  if (!reader.ok()) return;
  Writer once, twice;
  write(once, value);
  Reader again(once.bytes());
  write(twice, read(again));
  FUZZ_EXPECT(again.ok());
  FUZZ_EXPECT(Bytes(once) == Bytes(twice));
}

void Tensors(std::string_view bytes) {
  if (bytes.empty()) return;
  const size_t data_bytes = std::min<size_t>(static_cast<uint8_t>(bytes.front()), bytes.size() - 1);
  const std::string_view message = bytes.substr(1, bytes.size() - 1 - data_bytes);
  const Blob data = Blob::Copy(std::as_bytes(std::span(bytes.substr(bytes.size() - data_bytes))));
  Reader reader(std::as_bytes(std::span(message)));
  const auto tensors = ReadTensors(reader, data);
  for (const Tensor& tensor : tensors) {
    FUZZ_EXPECT(LiesWithin(tensor.data.text(), data.text()));
    if (tensor.type != DataType::kBytes) FUZZ_EXPECT(CheckTensorBytes(tensor).ok());
  }
  if (!reader.ok()) return;
  Writer writer;
  const size_t size = WriteTensors(writer, tensors);
  std::vector<std::byte> copy(size);
  CopyData(tensors, copy);
  Reader again(writer.bytes());
  const auto same = ReadTensors(again, Blob::FromVector(std::move(copy)));
  FUZZ_EXPECT(again.ok() && same.size() == tensors.size());
  for (size_t i = 0; i < same.size(); ++i)
    FUZZ_EXPECT(same[i].data.text() == tensors[i].data.text());
}

void Arguments(std::string_view text) {
  std::vector<std::string> line;
  for (const std::string_view word : Split(text, '\n')) line.emplace_back(word);
  const auto arguments = ParseHostArguments(line);
  if (!ExpectAnswer(arguments)) return;
  const auto again = ParseHostArguments(ToCommandLine(*arguments));
  FUZZ_EXPECT(again.has_value(), "{}", again.error().message());
  FUZZ_EXPECT(ToCommandLine(*again) == ToCommandLine(*arguments));
}

void Run(Input input) {
  const std::string_view kind = input.Line(), bytes = input.rest();
  if (kind == "status") ExpectSameAgain(bytes, ReadStatus, WriteStatus);
  if (kind == "spec") ExpectSameAgain(bytes, ReadSpec, WriteSpec);
  if (kind == "signature") ExpectSameAgain(bytes, ReadSignature, WriteSignature);
  if (kind == "tensors") Tensors(bytes);
  if (kind == "arguments") Arguments(bytes);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
