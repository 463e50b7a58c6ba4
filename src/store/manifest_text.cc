// The canonical text of a Manifest: a version line, then one line per entry, sorted by path.
//
//   sarai-manifest 1
//   D <path>
//   F <x|-> <size> <sha256> <path>
//   L <path>\t<target>
//
// Paths and targets hold no control characters, so a line ends where it seems to.
#include <limits>

#include "base/strings.h"
#include "store/entry_path.h"
#include "store/manifest.h"
#include "store/sha256.h"

namespace sarai::store {
namespace {

using Kind = ManifestEntry::Kind;

constexpr std::string_view kVersionLine = "sarai-manifest 1";

std::string Line(const std::string& path, const ManifestEntry& entry) {
  const FileContent& content = entry.content;
  switch (entry.kind) {
    case Kind::kFolder: return fmt::format("D {}\n", path);
    case Kind::kSymlink: return fmt::format("L {}\t{}\n", path, entry.target);
    case Kind::kFile:
      return fmt::format("F {} {} {} {}\n", content.executable ? 'x' : '-', content.size,
                         content.sha256, path);
  }
  return {};
}

std::unexpected<Status> BadLine(std::string_view line) {
  return Error(Code::kDataLoss, "a manifest has the bad line '{}'", ShownName(line));
}

// Cuts `text` behind its first `separator` and returns what stood before it.
std::string_view Next(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

Status AddFileLine(Manifest& manifest, std::string_view line) {
  std::string_view rest = line;
  const bool executable = Next(rest, ' ') == "x";
  const auto size = ParseInt(Next(rest, ' '));
  const std::string sha256(Next(rest, ' '));
  if (!size || *size < 0 || !IsSha256Hex(sha256)) return BadLine(line).error();
  return manifest.AddFile(
      std::string(rest),
      {.sha256 = sha256, .size = static_cast<uint64_t>(*size), .executable = executable});
}

Status AddLine(Manifest& manifest, std::string_view line) {
  std::string_view rest = line;
  const std::string_view kind = Next(rest, ' ');
  if (rest.empty()) return BadLine(line).error();
  if (kind == "D") return manifest.AddFolder(std::string(rest));
  if (kind == "F") return AddFileLine(manifest, rest);
  if (kind != "L") return BadLine(line).error();
  const std::string path(Next(rest, '\t'));
  return manifest.AddSymlink(path, std::string(rest));
}

}  // namespace

std::string Manifest::Text() const {
  std::string text = fmt::format("{}\n", kVersionLine);
  for (const auto& [path, entry] : entries_) text += Line(path, entry);
  return text;
}

std::string Manifest::Digest() const { return Sha256Hex(Text()); }

Result<Manifest> Manifest::Parse(std::string_view text) {
  if (!text.ends_with('\n') || Next(text, '\n') != kVersionLine) {
    return Error(Code::kDataLoss, "not a manifest, or one cut short");
  }
  Manifest manifest(std::numeric_limits<uint64_t>::max());
  while (!text.empty()) SARAI_CHECK_OK(AddLine(manifest, Next(text, '\n')));
  return manifest;
}

}  // namespace sarai::store
