#include "wire/http/content_encoding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include <zlib.h>

#include "base/strings.h"

namespace sarai::http {
namespace {

constexpr int kGzipWindow = 15 + 16, kZlibWindow = 15, kRawWindow = -15;
constexpr size_t kChunk = 64 << 10;

struct Preference {
  ContentEncoding encoding = ContentEncoding::kIdentity;
  double quality = 0;
};

// "gzip;q=0.5" -> 0.5; 1 where there is no q.
double QualityOf(std::string_view parameters) {
  for (std::string_view parameter : Split(parameters, ';')) {
    parameter = Trim(parameter);
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double quality = 0;
    const auto text = parameter.substr(2);
    std::from_chars(text.data(), text.data() + text.size(), quality);
    return quality;
  }
  return 1;
}

// A zlib stream's first two bytes are a multiple of 31 and name deflate.
bool HasZlibHead(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  return (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
}

int WindowOf(ContentEncoding encoding, std::string_view bytes) {
  if (encoding == ContentEncoding::kGzip) return kGzipWindow;
  return HasZlibHead(bytes) ? kZlibWindow : kRawWindow;
}

// zlib takes pointers to bytes it does not change.
Bytef* Input(std::string_view bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

class Inflater {
 public:
  Inflater(ContentEncoding encoding, std::string_view bytes) : encoding_(encoding) {
    (void)inflateInit2(&stream_, WindowOf(encoding, bytes));
    stream_.next_in = Input(bytes);
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<std::string> Run(uint64_t max_bytes) {
    std::string out;
    for (;;) {
      SARAI_TRY(const int status, Step(out));
      if (out.size() > max_bytes)
        return Error(Code::kResourceExhausted,
                     "the {} body grows beyond the {} bytes allowed when it is decompressed",
                     ContentEncodingName(encoding_), max_bytes);
      if (status != Z_STREAM_END) continue;
      if (stream_.avail_in == 0) return out;
      // gzip's members follow one another.
      if (encoding_ != ContentEncoding::kGzip) return Damaged("it is followed by something else");
      (void)inflateReset(&stream_);
    }
  }

 private:
  Result<int> Step(std::string& out) {
    stream_.next_out = chunk_.data();
    stream_.avail_out = chunk_.size();
    const int status = inflate(&stream_, Z_NO_FLUSH);
    const size_t made = chunk_.size() - stream_.avail_out;
    out.append(reinterpret_cast<const char*>(chunk_.data()), made);
    if (status == Z_STREAM_END) return status;
    if (status == Z_BUF_ERROR || (status == Z_OK && stream_.avail_in == 0 && made == 0))
      return Damaged("it ends too early");
    if (status != Z_OK) return Damaged(stream_.msg != nullptr ? stream_.msg : "it is damaged");
    return status;
  }

  std::unexpected<Status> Damaged(std::string_view why) const {
    return Error(Code::kInvalidArgument, "the {} body cannot be decompressed: {}",
                 ContentEncodingName(encoding_), why);
  }

  const ContentEncoding encoding_;
  z_stream stream_{};
  std::array<Bytef, kChunk> chunk_;
};

Blob Joined(const std::vector<Blob>& parts) {
  std::string text;
  for (const Blob& part : parts) text += part.text();
  return Blob::FromString(std::move(text));
}

}  // namespace

Result<ContentEncoding> ParseContentEncoding(std::string_view field) {
  const std::string_view name = Trim(field);
  if (name.empty() || EqualsIgnoreCase(name, "identity")) return ContentEncoding::kIdentity;
  if (EqualsIgnoreCase(name, "gzip") || EqualsIgnoreCase(name, "x-gzip"))
    return ContentEncoding::kGzip;
  if (EqualsIgnoreCase(name, "deflate")) return ContentEncoding::kDeflate;
  return Error(Code::kUnimplemented, "Content-Encoding '{}' is unknown: gzip and deflate are known",
               name);
}

std::string_view ContentEncodingName(ContentEncoding encoding) {
  switch (encoding) {
    case ContentEncoding::kIdentity: return "identity";
    case ContentEncoding::kGzip: return "gzip";
    case ContentEncoding::kDeflate: return "deflate";
  }
  return "";
}

ContentEncoding PreferredEncoding(std::string_view accept_encoding) {
  Preference best;
  for (const std::string_view item : Split(accept_encoding, ',')) {
    const size_t name_end = std::min(item.find(';'), item.size());
    const auto encoding = ParseContentEncoding(item.substr(0, name_end));
    if (!encoding || Trim(item).empty()) continue;
    const double quality = QualityOf(item.substr(name_end));
    if (quality > best.quality) best = {*encoding, quality};
  }
  return best.encoding;
}

Result<Blob> Decode(ContentEncoding encoding, const Blob& body, uint64_t max_bytes) {
  if (encoding == ContentEncoding::kIdentity) return body;
  if (body.size() > std::numeric_limits<uInt>::max())
    return Error(Code::kResourceExhausted, "a compressed body may have {} bytes at most",
                 std::numeric_limits<uInt>::max());
  SARAI_TRY(std::string out, Inflater(encoding, body.text()).Run(max_bytes));
  return Blob::FromString(std::move(out));
}

Result<Blob> Encode(ContentEncoding encoding, const std::vector<Blob>& parts) {
  if (encoding == ContentEncoding::kIdentity) return Joined(parts);
  z_stream stream{};
  const int window = encoding == ContentEncoding::kGzip ? kGzipWindow : kZlibWindow;
  constexpr int kFast = 1, kMemory = 8;
  if (deflateInit2(&stream, kFast, Z_DEFLATED, window, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    return Error(Code::kInternal, "zlib cannot be started");
  std::string out;
  std::array<Bytef, kChunk> chunk;
  const auto pump = [&](std::string_view bytes, int flush) {
    stream.next_in = Input(bytes);
    stream.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream.next_out = chunk.data();
      stream.avail_out = chunk.size();
      (void)deflate(&stream, flush);
      out.append(reinterpret_cast<const char*>(chunk.data()), chunk.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  };
  constexpr size_t kMost = 1ull << 30;  // bytes zlib counts at once
  for (const Blob& part : parts)
    for (size_t at = 0; at < part.size(); at += kMost)
      pump(part.text().substr(at, kMost), Z_NO_FLUSH);
  pump({}, Z_FINISH);
  deflateEnd(&stream);
  return Blob::FromString(std::move(out));
}

}  // namespace sarai::http
