#include "controller/annotation/unpacker.h"

#include <bzlib.h>
#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>
#include <new>

namespace backsight::controller {

namespace {

// Nobody's settings for packing need more to unpack, short of `zstd --long=31`.
constexpr std::uint64_t kMostMemoryBytes = std::uint64_t{512} << 20;
constexpr std::string_view kTooMuchMemory = "more than 512 MiB of memory are needed to unpack it";

using Result = tl::expected<Unpacker::Step, std::string>;

unsigned limited(std::size_t bytes) {
  return static_cast<unsigned>(std::min<std::size_t>(bytes, INT_MAX));
}

class Gzip final : public Unpacker {
 public:
  Gzip() {
    constexpr int kWithGzipHeader = 16;
    if (inflateInit2(&stream_, kWithGzipHeader + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  Result step(std::span<const char> packed, std::span<char> room) override {
    // zlib reads only.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = limited(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = limited(room.size());
    const unsigned in = stream_.avail_in;
    const unsigned out = stream_.avail_out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      return tl::unexpected<std::string>(stream_.msg != nullptr ? stream_.msg : zError(code));
    }
    return Step{in - stream_.avail_in, out - stream_.avail_out, code == Z_STREAM_END};
  }

 private:
  z_stream stream_{};
};

class Bzip2 final : public Unpacker {
 public:
  Bzip2() {
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }

  Result step(std::span<const char> packed, std::span<char> room) override {
    stream_.next_in = const_cast<char*>(packed.data());
    stream_.avail_in = limited(packed.size());
    stream_.next_out = room.data();
    stream_.avail_out = limited(room.size());
    const unsigned in = stream_.avail_in;
    const unsigned out = stream_.avail_out;
    const int code = BZ2_bzDecompress(&stream_);
    if (code == BZ_MEM_ERROR) throw std::bad_alloc();
    if (code != BZ_OK && code != BZ_STREAM_END) {
      return tl::unexpected<std::string>(code == BZ_DATA_ERROR_MAGIC ? "no bzip2 data"
                                                                     : "a checksum is wrong");
    }
    return Step{in - stream_.avail_in, out - stream_.avail_out, code == BZ_STREAM_END};
  }

 private:
  bz_stream stream_{};
};

class Xz final : public Unpacker {
 public:
  Xz() {
    if (lzma_stream_decoder(&stream_, kMostMemoryBytes, 0) != LZMA_OK) throw std::bad_alloc();
  }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  ~Xz() override { lzma_end(&stream_); }

  Result step(std::span<const char> packed, std::span<char> room) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
    stream_.avail_in = packed.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(room.data());
    stream_.avail_out = room.size();
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    if (code == LZMA_MEM_ERROR) throw std::bad_alloc();
    if (code == LZMA_MEMLIMIT_ERROR) return tl::unexpected(std::string(kTooMuchMemory));
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR) {
      return tl::unexpected<std::string>(code == LZMA_OPTIONS_ERROR ? "an unknown filter"
                                                                    : "a checksum is wrong");
    }
    return Step{packed.size() - stream_.avail_in, room.size() - stream_.avail_out,
                code == LZMA_STREAM_END};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Zstd final : public Unpacker {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  Result step(std::span<const char> packed, std::span<char> room) override {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const std::size_t code = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(code) != 0) return tl::unexpected<std::string>(ZSTD_getErrorName(code));
    return Step{in.pos, out.pos, code == 0};
  }

 private:
  ZSTD_DStream* stream_;
};

}  // namespace

Packing packing_of(std::string_view beginning) noexcept {
  using namespace std::string_view_literals;
  if (beginning.starts_with("\x1f\x8b"sv)) return Packing::kGzip;
  if (beginning.starts_with("BZh"sv) && beginning.size() > 3 && beginning[3] >= '1' &&
      beginning[3] <= '9') {
    return Packing::kBzip2;
  }
  if (beginning.starts_with("\xfd\x37zXZ\0"sv)) return Packing::kXz;
  if (beginning.starts_with("\x28\xb5\x2f\xfd"sv)) return Packing::kZstd;
  // A frame to be skipped, with which pzstd begins.
  const bool is_skippable = beginning.size() > 3 && (beginning[0] & '\xf0') == '\x50' &&
                            beginning.substr(1).starts_with("\x2a\x4d\x18"sv);
  return is_skippable ? Packing::kZstd : Packing::kNone;
}

std::unique_ptr<Unpacker> make_unpacker(Packing packing) {
  switch (packing) {
    case Packing::kNone:
      break;
    case Packing::kGzip:
      return std::make_unique<Gzip>();
    case Packing::kBzip2:
      return std::make_unique<Bzip2>();
    case Packing::kXz:
      return std::make_unique<Xz>();
    case Packing::kZstd:
      return std::make_unique<Zstd>();
  }
  return nullptr;
}

}  // namespace backsight::controller
