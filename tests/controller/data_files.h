// Files of a test's own, plain and packed.
#pragma once

#include <bzlib.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "controller/annotation/unpacker.h"

namespace backsight::controller {

// The text as one member of a packed file.
[[nodiscard]] inline std::string packed(Packing packing, const std::string& text) {
  std::string out(text.size() + text.size() / 50 + 1024, '\0');
  auto* const room = reinterpret_cast<unsigned char*>(out.data());
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = text.size();
  switch (packing) {
    case Packing::kNone:
      return text;
    case Packing::kGzip: {
      z_stream stream{};
      EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
      stream.next_in = const_cast<unsigned char*>(bytes);
      stream.avail_in = static_cast<unsigned>(text.size());
      stream.next_out = room;
      stream.avail_out = static_cast<unsigned>(out.size());
      EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
      size = stream.total_out;
      deflateEnd(&stream);
      break;
    }
    case Packing::kBzip2: {
      auto room_bytes = static_cast<unsigned>(out.size());
      EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &room_bytes, const_cast<char*>(text.data()),
                                         static_cast<unsigned>(text.size()), 9, 0, 0),
                BZ_OK);
      size = room_bytes;
      break;
    }
    case Packing::kXz:
      size = 0;
      EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, bytes, text.size(), room,
                                        &size, out.size()),
                LZMA_OK);
      break;
    case Packing::kZstd: {
      ZSTD_CCtx* const context = ZSTD_createCCtx();
      ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
      size = ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size());
      EXPECT_EQ(ZSTD_isError(size), 0U);
      ZSTD_freeCCtx(context);
      break;
    }
  }
  out.resize(size);
  return out;
}

// A folder that goes away.
class DataFolder {
 public:
  DataFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "backsight-data-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~DataFolder() { std::filesystem::remove_all(path_); }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path write(const std::string& name,
                                            const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  [[nodiscard]] std::filesystem::path write_packed(const std::string& name,
                                                   const std::string& text) const {
    const gzFile file = gzopen((path_ / name).c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    gzclose(file);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace backsight::controller
