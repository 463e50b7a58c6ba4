#include "store/measured_figures.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <boost/json.hpp>

#include "store/files.h"
#include "store/os_error.h"
#include "store/sha256.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace {

constexpr size_t kMaxFigures = 65'536;  // the oldest beyond these are forgotten at start
constexpr uint64_t kMaxFileBytes = 4096;

Result<Measured> Read(const std::string& path) {
  SARAI_TRY(const std::string text, ReadFile(path, kMaxFileBytes));
  try {
    const json::value root = json::parse(text);
    return Measured{.memory_bytes = root.at("memory_bytes").to_number<uint64_t>(),
                    .load_time = Duration(root.at("load_time_ns").to_number<int64_t>())};
  } catch (const std::exception& error) {
    return Error(Code::kDataLoss, "'{}' is no file of measured figures: {}", path, error.what());
  }
}

struct Found {
  fs::path path;
  fs::file_time_type written;
};

}  // namespace

Status MeasuredFigures::Open() {
  SARAI_CHECK_OK(MakeDirectory(directory_));
  std::vector<Found> files;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    files.push_back({it->path(), it->last_write_time(ignored)});
  }
  if (error) return OsError(error.value(), "reading folder", directory_);
  std::ranges::sort(files, std::ranges::greater(), &Found::written);
  std::lock_guard lock(mu_);
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string digest = files[i].path.stem().string();
    const auto figures = Read(files[i].path.string());
    if (i < kMaxFigures && figures && IsSha256Hex(digest)) {
      figures_[digest] = *figures;
    } else {
      SARAI_CHECK_OK(RemoveAll(files[i].path.string()));
    }
  }
  return {};
}

std::optional<Measured> MeasuredFigures::Find(const std::string& digest) const {
  std::lock_guard lock(mu_);
  const auto found = figures_.find(digest);
  if (found == figures_.end()) return std::nullopt;
  return found->second;
}

Status MeasuredFigures::Set(const std::string& digest, const Measured& measured,
                            const std::string& scratch) {
  if (!IsSha256Hex(digest)) {
    return MakeStatus(Code::kInvalidArgument, "'{}' is no digest of an artifact", digest);
  }
  const std::string text = json::serialize(json::object{
      {"memory_bytes", measured.memory_bytes}, {"load_time_ns", measured.load_time.count()}});
  std::lock_guard lock(mu_);
  figures_[digest] = measured;
  return ReplaceFile(fmt::format("{}/{}.json", directory_, digest), text + '\n', scratch);
}

}  // namespace sarai::store
