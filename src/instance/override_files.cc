#include "instance/override_files.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/log.h"

namespace sarai::instance {
namespace fs = std::filesystem;
namespace {

// Errors name the parameter, as Triton's do.
Result<fs::path> PlaceOf(const fs::path& folder, const std::string& name) {
  constexpr size_t kMaxPartBytes = 255;  // NAME_MAX
  bool leaves = false, too_long = false, names_something = false;
  fs::path place = folder;
  for (const fs::path& part : fs::path(name)) {
    leaves = leaves || part == "..";
    too_long = too_long || part.native().size() > kMaxPartBytes;
    if (part.empty() || part == "/" || part == ".") continue;
    place /= part;
    names_something = true;
  }
  if (too_long)
    return Error(Code::kInvalidArgument,
                 "Invalid file parameter 'file:{}': a part of the path is longer than {} bytes",
                 name, kMaxPartBytes);
  if (names_something && !leaves && !name.ends_with('/') && name.find('\0') == std::string::npos)
    return place;
  return Error(Code::kInvalidArgument,
               "Invalid file parameter 'file:{}': the path must stay within model directory", name);
}

Status WriteFile(const fs::path& path, const std::string& name, const Blob& bytes) {
  std::error_code error, ignored;
  fs::create_directories(path.parent_path(), error);
  if (error || fs::is_directory(path, ignored))
    return MakeStatus(Code::kInvalidArgument,
                      "Invalid file parameter 'file:{}': it is a file and a folder at once", name);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) return {};
  return MakeStatus(Code::kResourceExhausted, "cannot write '{}' of the load request to '{}'", name,
                    path.string());
}

}  // namespace

OverrideFiles::~OverrideFiles() {
  std::error_code ignored;
  if (!root_.empty()) fs::remove_all(root_, ignored);
}

Result<std::string> OverrideFiles::MakeFolder() {
  std::lock_guard lock(mu_);
  std::error_code error;
  if (root_.empty()) {
    std::string root = fs::temp_directory_path(error) / "sarai-files-XXXXXX";
    if (error || mkdtemp(root.data()) == nullptr)
      return Error(Code::kResourceExhausted, "cannot make a temporary folder '{}'", root);
    root_ = std::move(root);
  }
  const std::string folder = fmt::format("{}/{}", root_, ++number_);
  fs::create_directory(folder, error);
  if (error)
    return Error(Code::kResourceExhausted, "cannot make '{}': {}", folder, error.message());
  return folder;
}

Result<std::string> OverrideFiles::Write(const std::map<std::string, Blob>& files) {
  SARAI_TRY(const std::string folder, MakeFolder());
  for (const auto& [name, bytes] : files) {
    const auto path = PlaceOf(folder, name);
    const Status written = path ? WriteFile(*path, name, bytes) : path.error();
    if (written.ok()) continue;
    Remove(folder);
    return Error(written);
  }
  return folder;
}

void OverrideFiles::Remove(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) LogWarning("instance", "cannot remove '{}': {}", folder, error.message());
}

}  // namespace sarai::instance
