#include "cli/pack.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

namespace sarai::cli {
namespace {

namespace fs = std::filesystem;

struct ArchiveCloser {
  void operator()(archive* a) const { archive_write_free(a); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveCloser>;

Status ChooseFormat(archive* out, const std::string& name, const PackOptions& options) {
  const std::string level = std::to_string(options.compression_level);
  archive_write_set_format_pax_restricted(out);
  if (name.ends_with(".tar.gz") || name.ends_with(".tgz")) {
    archive_write_add_filter_gzip(out);
    archive_write_set_filter_option(out, "gzip", "compression-level", level.c_str());
    archive_write_set_filter_option(out, "gzip", "timestamp", nullptr);  // the same bytes each time
  } else if (name.ends_with(".tar.zst")) {
    archive_write_add_filter_zstd(out);
    archive_write_set_filter_option(out, "zstd", "compression-level", level.c_str());
  } else if (!name.ends_with(".tar")) {
    return MakeStatus(Code::kInvalidArgument,
                      "'{}' should end in .tar.gz, .tar.zst or .tar, which says what to write",
                      name);
  }
  return {};
}

Status ArchiveError(archive* a, const std::string& what) {
  return MakeStatus(Code::kInternal, "{}: {}", what, archive_error_string(a));
}

Status AddFile(archive* out, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (in.gcount() > 0 &&
        archive_write_data(out, buffer.data(), static_cast<size_t>(in.gcount())) < 0)
      return ArchiveError(out, file.string());
  }
  if (in.eof()) return {};
  return MakeStatus(Code::kInternal, "cannot read {}: {}", file.string(), std::strerror(errno));
}

Status AddEntry(archive* out, const fs::path& path, const std::string& name) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname_utf8(entry.get(), name.c_str());
  const bool is_directory = fs::is_directory(path);
  if (!is_directory && !fs::is_regular_file(path))
    return MakeStatus(Code::kInvalidArgument, "{} is neither a file nor a folder", path.string());
  archive_entry_set_filetype(entry.get(), is_directory ? AE_IFDIR : AE_IFREG);
  archive_entry_set_perm(entry.get(), is_directory ? 0755 : 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (!is_directory) archive_entry_set_size(entry.get(), static_cast<int64_t>(fs::file_size(path)));
  if (archive_write_header(out, entry.get()) != ARCHIVE_OK) return ArchiveError(out, name);
  return is_directory ? Status() : AddFile(out, path);
}

Result<std::vector<fs::path>> SortedTree(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> paths = {root};
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error))
    paths.push_back(it->path());
  if (error) return Error(Code::kNotFound, "cannot read {}: {}", root.string(), error.message());
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

Result<uint64_t> PackModel(const std::string& folder, const std::string& output,
                           const PackOptions& options) {
  const fs::path root = fs::absolute(folder).lexically_normal();
  const fs::path named = root.has_filename() ? root : root.parent_path();
  if (!fs::is_directory(named)) return Error(Code::kNotFound, "{} is not a folder", folder);
  const ArchivePtr out(archive_write_new());
  SARAI_CHECK_OK(ChooseFormat(out.get(), output, options));
  SARAI_TRY(const std::vector<fs::path> paths, SortedTree(named));
  const std::string partial = output + ".partial";
  if (archive_write_open_filename(out.get(), partial.c_str()) != ARCHIVE_OK)
    return Error(ArchiveError(out.get(), partial));
  for (const fs::path& path : paths)
    SARAI_CHECK_OK(AddEntry(out.get(), path, path.lexically_relative(named.parent_path())));
  if (archive_write_close(out.get()) != ARCHIVE_OK) return Error(ArchiveError(out.get(), partial));
  std::error_code error;
  fs::rename(partial, output, error);
  if (error) return Error(Code::kInternal, "cannot write {}: {}", output, error.message());
  return fs::file_size(output);
}

}  // namespace sarai::cli
