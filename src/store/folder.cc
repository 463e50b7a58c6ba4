#include "store/folder.h"

#include <algorithm>
#include <iterator>

#include "store/sha256.h"

namespace sarai::store {
namespace {

void Describe(Folder& folder) {
  std::ranges::sort(folder.objects, {}, &ObjectInfo::key);
  Sha256 hash;
  for (const ObjectInfo& object : folder.objects) {
    const std::string line = fmt::format("{}\n{}\n{}\n", object.key, object.etag, object.size);
    hash.Update(std::as_bytes(std::span(line)));
    folder.info.size += object.size;
  }
  folder.info.etag = fmt::format("\"folder-{}\"", hash.Finish());
}

}  // namespace

Result<Folder> ListFolder(ObjectStore& store, const std::string& prefix, uint64_t max_objects) {
  if (!prefix.empty() && !prefix.ends_with('/')) {
    return Error(Code::kInvalidArgument, "the folder '{}' must end in '/'", prefix);
  }
  Folder folder{.info = {.key = prefix}};
  std::string continuation;
  do {
    SARAI_TRY(ListPage page, store.List(prefix, /*by_folder=*/false, continuation));
    std::ranges::move(page.objects, std::back_inserter(folder.objects));
    if (folder.objects.size() > max_objects) {
      return Error(Code::kResourceExhausted, "the folder '{}' holds more than {} objects", prefix,
                   max_objects);
    }
    continuation = std::move(page.continuation);
  } while (!continuation.empty());
  if (folder.objects.empty()) {
    return Error(Code::kNotFound, "there is no object below '{}'", prefix);
  }
  Describe(folder);
  return folder;
}

Status CopyFolderInto(TreeBuilder& builder, ObjectStore& store, const Folder& folder) {
  const ByteSink write = [&builder](std::span<const std::byte> bytes) {
    return builder.Write(bytes);
  };
  for (const ObjectInfo& object : folder.objects) {
    const std::string_view name = std::string_view(object.key).substr(folder.info.key.size());
    if (name.empty()) continue;  // the marker of the folder itself
    if (name.ends_with('/')) {
      SARAI_CHECK_OK(builder.AddFolder(name));
      continue;
    }
    SARAI_CHECK_OK(builder.BeginFile(name, /*executable=*/false, object.size));
    SARAI_CHECK_OK(store.Get(object, write));
    SARAI_CHECK_OK(builder.EndFile());
  }
  return {};
}

}  // namespace sarai::store
