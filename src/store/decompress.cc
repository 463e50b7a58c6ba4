#include "store/decompress.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

namespace sarai::store {
namespace {

constexpr size_t kOutputBytes = 256 * 1024;
constexpr size_t kMagicBytes = 4;
constexpr int kMaxZstdWindowLog = 27;  // 128 MiB: the most memory that a stream may ask for

using Bytes = std::span<const std::byte>;

class PlainCodec final : public Decompressor::Codec {
 public:
  Status Feed(Bytes bytes, const ByteSink& plain) override { return plain(bytes); }
  Status Finish() override { return {}; }
};

class GzipCodec final : public Decompressor::Codec {
 public:
  GzipCodec() : state_(std::make_unique<inflate_state>()), output_(kOutputBytes) { StartMember(); }

  Status Feed(Bytes bytes, const ByteSink& plain) override {
    while (!bytes.empty()) {
      if (member_done_) {
        SARAI_CHECK_OK(AfterMember(bytes));
        if (member_done_) return {};
      }
      SARAI_CHECK_OK(Inflate(bytes, plain));
    }
    return {};
  }

  Status Finish() override {
    if (member_done_) return {};
    return {Code::kDataLoss, "the gzip stream ends too early: the archive is truncated"};
  }

 private:
  void StartMember() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
    member_done_ = false;
  }

  // Behind a member: another member, or zeros that pad the file.
  Status AfterMember(Bytes& bytes) {
    const auto used = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
    const auto zeros = static_cast<size_t>(used - bytes.begin());
    padded_ = padded_ || zeros > 0;
    bytes = bytes.subspan(zeros);
    if (bytes.empty()) return {};
    if (padded_ || bytes.front() != std::byte{0x1f}) {
      return {Code::kDataLoss, "the gzip stream is followed by bytes that are not gzip"};
    }
    StartMember();
    return {};
  }

  Status Inflate(Bytes& bytes, const ByteSink& plain) {
    const size_t given = std::min<size_t>(bytes.size(), 1u << 30);
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<std::byte*>(bytes.data()));
    state_->avail_in = static_cast<uint32_t>(given);
    bool output_full = true;
    while (output_full && !member_done_) {
      state_->next_out = reinterpret_cast<uint8_t*>(output_.data());
      state_->avail_out = kOutputBytes;
      const int result = isal_inflate(state_.get());
      if (result == ISAL_INCORRECT_CHECKSUM) {
        return {Code::kDataLoss, "the gzip stream's checksum is wrong: the archive is corrupt"};
      }
      if (result != ISAL_DECOMP_OK) {
        return MakeStatus(Code::kDataLoss, "the gzip stream is corrupt (error {})", result);
      }
      SARAI_CHECK_OK(plain(Bytes(output_).first(kOutputBytes - state_->avail_out)));
      output_full = state_->avail_out == 0;
      member_done_ = state_->block_state == ISAL_BLOCK_FINISH;
    }
    bytes = bytes.subspan(given - state_->avail_in);
    return {};
  }

  std::unique_ptr<inflate_state> state_;  // large: holds the window
  std::vector<std::byte> output_;
  bool member_done_ = false;
  bool padded_ = false;
};

class ZstdCodec final : public Decompressor::Codec {
 public:
  ZstdCodec() : stream_(ZSTD_createDStream()), output_(kOutputBytes) {
    if (stream_) ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }

  Status Feed(Bytes bytes, const ByteSink& plain) override {
    if (!stream_) return {Code::kResourceExhausted, "no memory for zstd"};
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    bool output_full = false;
    while (input.pos < input.size || output_full) {
      ZSTD_outBuffer output{output_.data(), kOutputBytes, 0};
      missing_ = ZSTD_decompressStream(stream_.get(), &output, &input);
      if (ZSTD_isError(missing_)) {
        return MakeStatus(Code::kDataLoss,
                          "the zstd stream is corrupt or needs too large a window: {}",
                          ZSTD_getErrorName(missing_));
      }
      SARAI_CHECK_OK(plain(Bytes(output_).first(output.pos)));
      output_full = output.pos == kOutputBytes && missing_ != 0;
    }
    return {};
  }

  Status Finish() override {
    if (missing_ == 0) return {};
    return {Code::kDataLoss, "the zstd stream ends too early: the archive is truncated"};
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::vector<std::byte> output_;
  size_t missing_ = 1;  // 0 at the end of a frame
};

std::unique_ptr<Decompressor::Codec> CodecFor(Bytes head) {
  const auto begins = [&](std::initializer_list<uint8_t> magic) {
    return head.size() >= magic.size() &&
           std::memcmp(head.data(), magic.begin(), magic.size()) == 0;
  };
  if (begins({0x1f, 0x8b})) return std::make_unique<GzipCodec>();
  if (begins({0x28, 0xb5, 0x2f, 0xfd})) return std::make_unique<ZstdCodec>();
  const bool skippable =
      head.size() >= kMagicBytes && (head[0] & std::byte{0xf0}) == std::byte{0x50};
  if (skippable && std::memcmp(head.data() + 1, "\x2a\x4d\x18", 3) == 0) {
    return std::make_unique<ZstdCodec>();
  }
  return std::make_unique<PlainCodec>();
}

}  // namespace

Decompressor::Decompressor(ByteSink plain, uint64_t max_bytes)
    : plain_([this, plain = std::move(plain), max_bytes](Bytes bytes) -> Status {
        if (bytes.empty()) return {};
        if (bytes.size() > left_bytes_) {
          return MakeStatus(Code::kResourceExhausted,
                            "the archive unpacks to more than {} bytes, its bound", max_bytes);
        }
        left_bytes_ -= bytes.size();
        return plain(bytes);
      }),
      left_bytes_(max_bytes) {}

Decompressor::~Decompressor() = default;

Status Decompressor::Feed(std::span<const std::byte> bytes) {
  if (codec_) return codec_->Feed(bytes, plain_);
  head_.insert(head_.end(), bytes.begin(), bytes.end());
  if (head_.size() < kMagicBytes) return {};
  return Start();
}

Status Decompressor::Start() {
  codec_ = CodecFor(head_);
  const std::vector<std::byte> head = std::exchange(head_, {});
  return codec_->Feed(head, plain_);
}

Status Decompressor::Finish() {
  if (!codec_) SARAI_CHECK_OK(Start());
  return codec_->Finish();
}

}  // namespace sarai::store
