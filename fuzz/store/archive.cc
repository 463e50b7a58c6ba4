// An artifact: tar, plain or compressed, in pieces of the size that the first line says.
#include <stdlib.h>

#include <filesystem>

#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "store/entry_path.h"
#include "store/unpack.h"

namespace sarai::fuzz {
namespace {

constexpr store::UnpackLimits kLimits = {.max_bytes = 64 << 10, .max_entries = 32};

// One pool for all inputs; each must leave it empty.
class Places {
 public:
  Places() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fuzz-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    std::filesystem::create_directories(scratch());
    pool_.emplace(root_ + "/pool");
    FUZZ_EXPECT(pool_->Open().ok());
  }
  ~Places() { std::filesystem::remove_all(root_); }

  std::string scratch() const { return root_ + "/scratch"; }
  store::BlobPool& pool() { return *pool_; }

 private:
  std::string root_;
  std::optional<store::BlobPool> pool_;
};

Status Unpack(std::string_view archive, size_t piece, store::TreeBuilder& builder) {
  const auto produce = [&](const store::ByteSink& sink) -> Status {
    for (size_t at = 0; at < archive.size(); at += piece)
      SARAI_CHECK_OK(sink(std::as_bytes(std::span(archive.substr(at, piece)))));
    return {};
  };
  return store::UnpackArchive(produce, builder, kLimits);
}

void ExpectSafe(const store::Manifest& manifest) {
  FUZZ_EXPECT(manifest.has_files());
  FUZZ_EXPECT(manifest.CheckLinks().ok());
  for (const auto& [path, entry] : manifest.entries()) {
    const auto normal = store::NormalizeEntryPath(path);
    FUZZ_EXPECT(normal.has_value() && *normal == path, "'{}'", path);
  }
  const auto again = store::Manifest::Parse(manifest.Text());
  FUZZ_EXPECT(again.has_value() && again->Digest() == manifest.Digest(), "{}", manifest.Text());
}

void Run(Input input) {
  static Places places;
  const auto piece = ParseInt(input.Line()).value_or(0);
  {
    store::TreeBuilder builder(places.pool(), places.scratch(), kLimits);
    const Status unpacked =
        Unpack(input.rest(), static_cast<size_t>(std::clamp<int64_t>(piece, 16, 1 << 16)), builder);
    if (ExpectAnswer(unpacked)) {
      const auto manifest = builder.Finish();
      if (ExpectAnswer(manifest)) ExpectSafe(*manifest);
    }
    FUZZ_EXPECT(places.pool().used_bytes() <= kLimits.max_bytes);
  }
  FUZZ_EXPECT(places.pool().used_bytes() == 0);
  std::filesystem::remove(places.scratch() + "/file");
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
