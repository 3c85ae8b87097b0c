#include "storage/log/segment.h"

#include <algorithm>

namespace backsight::storage {

namespace {
// What one read call brings: little at first, for who looks at a log's end; more from call to call.
constexpr std::size_t kFirstWindowBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxWindowBytes = std::size_t{1} << 20;
}  // namespace

Expected<std::span<const std::byte>> SegmentReader::view(std::uint64_t offset, std::size_t bytes) {
  const bool is_inside =
      offset >= window_offset_ && offset + bytes <= window_offset_ + window_bytes_;
  if (!is_inside) {
    const std::size_t ahead = std::clamp(2 * window_bytes_, kFirstWindowBytes, kMaxWindowBytes);
    window_.resize(std::max(window_.size(), (std::max(bytes, ahead) + 7) / 8));
    const auto all = std::as_writable_bytes(std::span(window_));
    window_bytes_ = 0;
    const auto got = file_->read_at(offset, all);
    if (!got) return tl::unexpected(got.error());
    window_offset_ = offset;
    window_bytes_ = *got;
  }
  const auto held = std::as_bytes(std::span(window_)).first(window_bytes_);
  const auto from = static_cast<std::size_t>(offset - window_offset_);
  return held.subspan(from, std::min(bytes, held.size() - from));
}

Expected<std::optional<LogRecord>> SegmentReader::record_at(std::uint64_t offset,
                                                            std::uint64_t least) {
  const auto head = view(offset, kRecordHeaderBytes);
  if (!head) return tl::unexpected(head.error());
  if (head->size() < kRecordHeaderBytes) return std::nullopt;
  const RecordHeader header = load_record_header(*head);
  if (!header.is_plausible() || header.position < least) return std::nullopt;
  const std::size_t bytes = record_bytes(header.payload_bytes);
  const auto record = view(offset, bytes);
  if (!record) return tl::unexpected(record.error());
  if (record->size() < bytes || !record_is_whole(*record)) return std::nullopt;
  return LogRecord{header.position, header.count,
                   record->subspan(kRecordHeaderBytes, header.payload_bytes)};
}

Expected<std::optional<LogRecord>> SegmentReader::record_here(std::uint64_t least) {
  return record_at(offset_, least);
}

Expected<std::optional<std::uint64_t>> SegmentReader::find_record(std::uint64_t least) {
  const auto size = file_->size();
  if (!size) return tl::unexpected(size.error());
  for (std::uint64_t at = offset_ + kRecordAlignment; at + kRecordHeaderBytes < *size;
       at += kRecordAlignment) {
    const auto record = record_at(at, least);
    if (!record) return tl::unexpected(record.error());
    if (*record) return at;
  }
  return std::nullopt;
}

Expected<std::uint32_t> SegmentReader::version() {
  SegmentHeader header{};
  const auto got = file_->read_at(0, header);
  if (!got) return tl::unexpected(got.error());
  return segment_version(std::span(header).first(*got));
}

}  // namespace backsight::storage
