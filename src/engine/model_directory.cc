#include "engine/model_directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/strings.h"

namespace sarai::engine {
namespace {

namespace fs = std::filesystem;

constexpr char kConfigFile[] = "config.pbtxt";

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// Positive, without a leading zero, as Triton has it.
std::optional<int64_t> VersionNumber(std::string_view name) {
  if (name.empty() || name.front() == '0' || name.front() == '-' || name.front() == '+') return {};
  const auto number = ParseInt(name);
  return number && *number > 0 ? number : std::nullopt;
}

// "model.onnx", "model.savedmodel/": every framework's default artifact is called that.
bool LooksLikeArtifact(std::string_view name) { return name.starts_with("model."); }

bool LooksForeign(std::string_view name) {
  return name.starts_with(".") || name == "__MACOSX";  // what archivers leave behind
}

bool HoldsOtherFiles(const fs::path& folder, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return name != kConfigFile && !LooksForeign(name) && IsFile(folder / name);
  });
}

std::map<int64_t, std::string> VersionFolders(const fs::path& folder,
                                              const std::vector<std::string>& names) {
  std::map<int64_t, std::string> versions;
  for (const std::string& name : names)
    if (const auto number = VersionNumber(name); number && IsFolder(folder / name))
      versions.emplace(*number, folder / name);
  return versions;
}

// `folder` read as a model's own; nothing when it does not look like one.
std::optional<ModelDirectory> ReadAsModel(const fs::path& folder) {
  const std::vector<std::string> names = NamesIn(folder);
  ModelDirectory found{.root = folder, .folder_name = folder.filename()};
  if (IsFile(folder / kConfigFile)) found.config_file = folder / kConfigFile;
  found.versions = VersionFolders(folder, names);
  if (!found.versions.empty()) return found;

  const bool artifact = std::ranges::any_of(names, LooksLikeArtifact);
  if (!artifact && (found.config_file.empty() || !HoldsOtherFiles(folder, names))) return {};
  const auto own_number = VersionNumber(found.folder_name);
  if (own_number) found.folder_name = folder.parent_path().filename();
  found.versions.emplace(own_number.value_or(1), folder);
  return found;
}

std::string Holds(const fs::path& folder) {
  const std::vector<std::string> names = NamesIn(folder);
  return names.empty() ? "it is empty" : "it holds " + Join(names, ", ");
}

Status NoModel(const fs::path& folder) {
  if (IsFile(folder / kConfigFile))
    return MakeStatus(
        Code::kNotFound,
        "'{}' has a config.pbtxt but neither a version folder (1/, 2/, …) nor a model "
        "file: {}",
        folder.string(), Holds(folder));
  return MakeStatus(Code::kNotFound,
                    "no model in '{}': it needs config.pbtxt and version folders (1/, 2/, …), or a "
                    "model file; {}",
                    folder.string(), Holds(folder));
}

Result<ModelDirectory> FindOneLevelDown(const fs::path& folder) {
  std::vector<ModelDirectory> found;
  std::vector<std::string> names;
  for (const std::string& name : NamesIn(folder)) {
    if (LooksForeign(name) || !IsFolder(folder / name)) continue;
    if (auto model = ReadAsModel(folder / name)) {
      names.push_back(name);
      found.push_back(std::move(*model));
    }
  }
  if (found.empty()) return Error(NoModel(folder));
  if (found.size() > 1)
    return Error(Code::kInvalidArgument, "'{}' holds {} models ({}); it may hold one",
                 folder.string(), found.size(), Join(names, ", "));
  return std::move(found.front());
}

}  // namespace

Result<ModelDirectory> FindModelDirectory(const std::string& directory) {
  std::error_code error;
  fs::path folder = fs::absolute(directory, error).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "resnet/"
  if (error || !IsFolder(folder))
    return Error(Code::kNotFound, "no such model folder: '{}'", directory);
  if (auto model = ReadAsModel(folder)) return std::move(*model);
  if (IsFile(folder / kConfigFile)) return Error(NoModel(folder));
  return FindOneLevelDown(folder);
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename());
  std::ranges::sort(names);
  return names;
}

Result<std::string> ReadSmallFile(const std::string& path, uint64_t max_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file || !IsFile(path)) return Error(Code::kNotFound, "cannot read '{}'", path);
  const auto size = static_cast<uint64_t>(file.tellg());
  if (size > max_bytes)
    return Error(Code::kInvalidArgument, "'{}' has {} bytes, more than the {} allowed", path, size,
                 max_bytes);
  std::string text(size, '\0');
  file.seekg(0);
  if (!file.read(text.data(), static_cast<std::streamsize>(size)))
    return Error(Code::kNotFound, "cannot read '{}' to its end", path);
  return text;
}

}  // namespace sarai::engine
