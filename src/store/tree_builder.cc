#include "store/tree_builder.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "store/entry_path.h"
#include "store/files.h"
#include "store/os_error.h"

namespace sarai::store {

Status TreeBuilder::AddFolder(std::string_view name) {
  SARAI_TRY(const std::string path, NormalizeEntryPath(name));
  return manifest_.AddFolder(path);
}

Status TreeBuilder::AddSymlink(std::string_view name, const std::string& target) {
  SARAI_TRY(const std::string path, NormalizeEntryPath(name));
  const bool strange = std::ranges::any_of(target, [](unsigned char c) { return c < 0x20; });
  if (strange || target.size() > kMaxEntryPathBytes) {
    return MakeStatus(Code::kDataLoss, "the link '{}' has a malformed target '{}'", ShownName(path),
                      ShownName(target));
  }
  return manifest_.AddSymlink(path, target);
}

Status TreeBuilder::AddHardLink(std::string_view name, std::string_view target) {
  SARAI_TRY(const std::string path, NormalizeEntryPath(name));
  const auto target_path = NormalizeEntryPath(target);
  if (!target_path) {
    return target_path.error().WithContext(
        fmt::format("the hard link '{}' leaves the archive", ShownName(path)));
  }
  return manifest_.AddHardLink(path, *target_path);
}

Status TreeBuilder::CheckBound(std::string_view name, uint64_t more_bytes) const {
  if (more_bytes <= limits_.max_bytes - bytes_) return {};
  return MakeStatus(Code::kResourceExhausted,
                    "with the entry '{}' it unpacks to more than {} ({} bytes), its bound",
                    ShownName(name), FormatBytes(limits_.max_bytes), limits_.max_bytes);
}

Status TreeBuilder::BeginFile(std::string_view name, bool executable, uint64_t expected_bytes) {
  SARAI_TRY(std::string path, NormalizeEntryPath(name));
  SARAI_CHECK_OK(manifest_.CheckPlace(path, ManifestEntry::Kind::kFile));
  SARAI_CHECK_OK(CheckBound(name, expected_bytes));
  const std::string scratch = scratch_file();
  UniqueFd fd(::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return OsError(errno, "making", scratch);
  file_ = OpenFile{std::move(path), std::move(fd), {.executable = executable}};
  return {};
}

Status TreeBuilder::Write(std::span<const std::byte> bytes) {
  SARAI_CHECK_OK(CheckBound(file_->path, bytes.size()));
  SARAI_CHECK_OK(WriteAll(file_->fd.get(), bytes, file_->path));
  hash_.Update(bytes);
  bytes_ += bytes.size();
  file_->content.size += bytes.size();
  return {};
}

Status TreeBuilder::WriteZeros(uint64_t count) {
  static constexpr std::array<std::byte, 65536> kZeros{};
  SARAI_CHECK_OK(CheckBound(file_->path, count));
  while (count > 0) {
    const size_t now = std::min<uint64_t>(count, kZeros.size());
    SARAI_CHECK_OK(Write(std::span(kZeros).first(now)));
    count -= now;
  }
  return {};
}

Status TreeBuilder::EndFile() {
  OpenFile file = std::move(*file_);
  file_.reset();
  file.content.sha256 = hash_.Finish();
  file.fd.Reset();
  SARAI_CHECK_OK(lease_.Adopt(scratch_file(), file.content));
  return manifest_.AddFile(file.path, std::move(file.content));
}

Result<Manifest> TreeBuilder::Finish() {
  if (!manifest_.has_files()) return Error(Code::kDataLoss, "the archive holds no file");
  SARAI_CHECK_OK(manifest_.CheckLinks());
  return std::move(manifest_);
}

}  // namespace sarai::store
