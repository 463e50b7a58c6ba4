#include "store/unpack.h"

#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "store/decompress.h"
#include "store/entry_path.h"
#include "store/tar_header.h"

namespace sarai::store {
namespace {

constexpr size_t kPipeBytes = 4u << 20;
// What headers and padding may add to the contents, per entry: an extended header and its own.
constexpr uint64_t kOverheadBytesPerEntry = 4096;
constexpr uint64_t kOverheadBytes = 16u << 20;

using Bytes = std::span<const std::byte>;

// A warning leaves a usable entry: a name that the locale cannot show is taken as it is. Everything
// else, "retry" as well, means that bytes of the archive make no sense.
bool Usable(int result) { return result == ARCHIVE_OK || result == ARCHIVE_WARN; }

// The tar stream as libarchive pulls it.
class TarStream {
 public:
  explicit TarStream(BytePipe& pipe) : pipe_(pipe) {}

  // Empty at the end.
  Result<Bytes> Next() {
    SARAI_TRY(const Bytes bytes, pipe_.Pull());
    total_bytes_ += bytes.size();
    return bytes;
  }

  static la_ssize_t Read(archive* reader, void* self, const void** buffer) {
    auto& stream = *static_cast<TarStream*>(self);
    auto bytes = stream.Next();
    if (!bytes) {
      stream.failure_ = std::move(bytes).error();
      archive_set_error(reader, EIO, "the stream failed");
      return ARCHIVE_FATAL;
    }
    *buffer = bytes->data();
    return static_cast<la_ssize_t>(bytes->size());
  }

  const std::optional<Status>& failure() const { return failure_; }
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  BytePipe& pipe_;
  std::optional<Status> failure_;
  uint64_t total_bytes_ = 0;
};

class Untar {
 public:
  Untar(TreeBuilder& builder, BytePipe& pipe)
      : builder_(builder), stream_(pipe), reader_(archive_read_new()) {}

  Status Run(uint64_t max_entries) {
    SARAI_CHECK_OK(Open());
    for (uint64_t count = 0;; ++count) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader_.get(), &entry);
      if (result == ARCHIVE_EOF) return CheckEnd();
      if (!Usable(result)) return Broken();
      if (count >= max_entries) {
        return MakeStatus(Code::kResourceExhausted, "the archive has more than {} entries",
                          max_entries);
      }
      SARAI_CHECK_OK(AddEntry(entry));
    }
  }

 private:
  struct Free {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };

  Status Open() {
    if (!reader_) return {Code::kResourceExhausted, "no memory for an archive reader"};
    archive_read_support_format_tar(reader_.get());
    if (archive_read_open(reader_.get(), &stream_, nullptr, TarStream::Read, nullptr) !=
        ARCHIVE_OK) {
      return Broken();
    }
    return {};
  }

  // The stream's own failure says more than what libarchive makes of it.
  Status Broken() const {
    if (stream_.failure()) return *stream_.failure();
    const char* text = archive_error_string(reader_.get());
    return MakeStatus(Code::kDataLoss, "the tar archive is corrupt or truncated: {}",
                      text ? text : "no reason given");
  }

  // libarchive takes a tar that just stops for a whole one, so look for the block of zeros that
  // ends it; and read on to the end, where the compression's checksum is.
  Status CheckEnd() {
    const auto end = static_cast<uint64_t>(archive_read_header_position(reader_.get()));
    while (true) {
      SARAI_TRY(const Bytes rest, stream_.Next());
      if (rest.empty()) break;
    }
    if (stream_.total_bytes() >= end + kTarBlockBytes) return {};
    return {Code::kDataLoss, "the tar archive ends too early: it is truncated"};
  }

  Status AddEntry(archive_entry* entry) {
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) return {Code::kDataLoss, "the archive has an entry without a name"};
    if (const char* target = archive_entry_hardlink(entry)) {
      return builder_.AddHardLink(name, target);
    }
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR: return builder_.AddFolder(name);
      case AE_IFREG: return AddFile(entry, name);
      case AE_IFLNK: {
        const char* target = archive_entry_symlink(entry);
        return builder_.AddSymlink(name, target ? target : "");
      }
      default:
        return MakeStatus(Code::kDataLoss, "the entry '{}' is a device, pipe or socket, not a file",
                          ShownName(name));
    }
  }

  Status AddFile(archive_entry* entry, const char* name) {
    const bool executable = (archive_entry_perm(entry) & 0111) != 0;
    const auto size = static_cast<uint64_t>(std::max<int64_t>(archive_entry_size(entry), 0));
    SARAI_CHECK_OK(builder_.BeginFile(name, executable, size));
    while (true) {
      const void* data = nullptr;
      size_t count = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(reader_.get(), &data, &count, &offset);
      if (result == ARCHIVE_EOF) break;
      if (!Usable(result)) return Broken();
      SARAI_CHECK_OK(FillTo(static_cast<uint64_t>(offset), name));
      SARAI_CHECK_OK(builder_.Write({static_cast<const std::byte*>(data), count}));
    }
    SARAI_CHECK_OK(FillTo(size, name));
    return builder_.EndFile();
  }

  // Sparse files: what lies between the data is zeros.
  Status FillTo(uint64_t offset, const char* name) {
    if (offset < builder_.file_bytes()) {
      return MakeStatus(Code::kDataLoss, "the sparse entry '{}' is out of order", ShownName(name));
    }
    return builder_.WriteZeros(offset - builder_.file_bytes());
  }

  TreeBuilder& builder_;
  TarStream stream_;
  std::unique_ptr<archive, Free> reader_;
};

// Running out of memory ends this archive, not the process.
template <typename Function>
Status Guarded(const Function& function) {
  try {
    return function();
  } catch (const std::exception& error) {
    return MakeStatus(Code::kResourceExhausted, "unpacking failed: {}", error.what());
  }
}

}  // namespace

Status UntarInto(TreeBuilder& builder, BytePipe& pipe, const UnpackLimits& limits) {
  return Untar(builder, pipe).Run(limits.max_entries);
}

Status UnpackArchive(const std::function<Status(const ByteSink&)>& produce, TreeBuilder& builder,
                     const UnpackLimits& limits) {
  BytePipe pipe(kPipeBytes);
  TarGate gate([&pipe](Bytes bytes) { return pipe.Push(bytes); });
  const uint64_t max_stream_bytes =
      limits.max_bytes + limits.max_entries * kOverheadBytesPerEntry + kOverheadBytes;
  Decompressor decompressor([&gate](Bytes bytes) { return gate.Feed(bytes); }, max_stream_bytes);
  const auto push = [&]() -> Status {
    SARAI_CHECK_OK(produce([&](Bytes bytes) { return decompressor.Feed(bytes); }));
    SARAI_CHECK_OK(decompressor.Finish());
    return gate.Finish();
  };
  const auto run = [&] { pipe.CloseWriter(Guarded(push)); };
  std::thread producer;
  try {
    producer = std::thread(run);
  } catch (const std::system_error& error) {
    return MakeStatus(Code::kResourceExhausted, "cannot start a thread: {}", error.what());
  }
  Status status = Guarded([&] { return UntarInto(builder, pipe, limits); });
  pipe.CloseReader(status);
  producer.join();
  return status;
}

}  // namespace sarai::store
