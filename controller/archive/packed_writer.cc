#include "controller/archive/packed_writer.h"

#include <zlib.h>

#include <new>
#include <span>

namespace backsight::controller {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;
constexpr int kLevel = 6;             // zlib's usual one
constexpr int kGzipWindow = 15 + 16;  // the largest, with gzip's head instead of zlib's
constexpr int kMemoryLevel = 8;       // zlib's usual one

}  // namespace

PackedWriter::PackedWriter(storage::File& file)
    : file_(file), stream_(std::make_unique<z_stream_s>()), buffer_(kBufferBytes) {
  if (deflateInit2(stream_.get(), kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();  // all that can fail
  }
}

PackedWriter::~PackedWriter() { deflateEnd(stream_.get()); }

Expected<void> PackedWriter::pack(std::string_view bytes, int flush) {
  // zlib does not write to its input.
  stream_->next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream_->avail_in = static_cast<uInt>(bytes.size());
  do {
    stream_->next_out = buffer_.data();
    stream_->avail_out = static_cast<uInt>(buffer_.size());
    deflate(stream_.get(), flush);
    const std::size_t packed = buffer_.size() - stream_->avail_out;
    if (packed == 0) break;
    if (auto put = file_.write_at(written_, std::as_bytes(std::span(buffer_).first(packed)));
        !put) {
      return put;
    }
    written_ += packed;
  } while (stream_->avail_out == 0);
  return {};
}

Expected<void> PackedWriter::write(std::string_view bytes) { return pack(bytes, Z_NO_FLUSH); }

Expected<void> PackedWriter::finish() {
  if (auto packed = pack({}, Z_FINISH); !packed) return packed;
  if (auto cut = file_.truncate(written_); !cut) return cut;
  return file_.sync();
}

}  // namespace backsight::controller
