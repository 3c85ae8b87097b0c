#include "storage/log/log_format.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "probes/assert.h"
#include "storage/file_system.h"

namespace backsight::storage {

namespace {

constexpr std::string_view kMagic = "BSIGHTLG";
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kDigits = 20;

template <typename Number>
void store_le(std::byte* at, Number value) noexcept {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    at[i] = static_cast<std::byte>(value >> 8 * i & 0xff);
  }
}

template <typename Number>
Number load_le(const std::byte* at) noexcept {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    value |= std::to_integer<Number>(at[i]) << 8 * i;
  }
  return value;
}

// The first position in a segment's name, if it is one.
std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t position = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, position);
  if (error != std::errc{} || end != name.data() + kDigits) return std::nullopt;
  return position;
}

}  // namespace

void store_le32(std::byte* at, std::uint32_t value) noexcept { store_le(at, value); }
void store_le64(std::byte* at, std::uint64_t value) noexcept { store_le(at, value); }
std::uint32_t load_le32(const std::byte* at) noexcept { return load_le<std::uint32_t>(at); }
std::uint64_t load_le64(const std::byte* at) noexcept { return load_le<std::uint64_t>(at); }

std::uint32_t crc32_of(std::span<const std::byte> bytes) noexcept {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

SegmentHeader make_segment_header(std::uint64_t first_position) noexcept {
  SegmentHeader header{};
  std::memcpy(header.data(), kMagic.data(), kMagic.size());
  store_le32(header.data() + 8, kLogVersion);
  store_le64(header.data() + 12, first_position);
  store_le32(header.data() + 20, crc32_of(std::span(header).first(20)));
  return header;
}

std::uint32_t segment_version(std::span<const std::byte> header) noexcept {
  if (header.size() < kSegmentHeaderBytes) return 0;
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) return 0;
  if (load_le32(header.data() + 20) != crc32_of(header.first(20))) return 0;
  return load_le32(header.data() + 8);
}

void append_record(std::vector<std::byte>& out, std::span<const std::byte> payload,
                   std::uint64_t position, std::uint32_t count) {
  BACKSIGHT_ASSERT(!payload.empty() && payload.size() <= kMaxPayloadBytes && count >= 1);
  const std::size_t begin = out.size();
  out.resize(begin + record_bytes(payload.size()));  // zeros
  std::byte* record = out.data() + begin;
  store_le32(record + 4, static_cast<std::uint32_t>(payload.size()));
  store_le64(record + 8, position);
  store_le32(record + 16, count);
  std::memcpy(record + kRecordHeaderBytes, payload.data(), payload.size());
  store_le32(record, crc32_of(std::span(out).subspan(begin + 4)));
}

RecordHeader load_record_header(std::span<const std::byte> bytes) noexcept {
  BACKSIGHT_ASSERT(bytes.size() >= kRecordHeaderBytes);
  return {.crc = load_le32(bytes.data()),
          .payload_bytes = load_le32(bytes.data() + 4),
          .position = load_le64(bytes.data() + 8),
          .count = load_le32(bytes.data() + 16),
          .zero = load_le32(bytes.data() + 20)};
}

bool record_is_whole(std::span<const std::byte> bytes) noexcept {
  BACKSIGHT_ASSERT(bytes.size() > kRecordHeaderBytes && bytes.size() % kRecordAlignment == 0);
  return load_le32(bytes.data()) == crc32_of(bytes.subspan(4));
}

std::string segment_path(std::string_view directory, std::uint64_t first_position) {
  return fmt::format("{}/{:020}{}", directory, first_position, kSuffix);
}

Expected<std::vector<std::uint64_t>> list_segments(FileSystem& files,
                                                   const std::string& directory) {
  const auto names = files.list(directory);
  if (!names) return tl::unexpected(names.error());
  std::vector<std::uint64_t> positions;
  for (const std::string& name : *names) {
    if (const auto position = parse_segment_name(name)) positions.push_back(*position);
  }
  std::sort(positions.begin(), positions.end());
  return positions;
}

std::array<std::byte, kLogEndBytes> to_bytes(const LogEnd& end) noexcept {
  std::array<std::byte, kLogEndBytes> bytes{};
  store_le64(bytes.data(), end.position);
  store_le64(bytes.data() + 8, end.segment);
  store_le64(bytes.data() + 16, end.offset);
  store_le32(bytes.data() + 24, crc32_of(std::span(bytes).first(24)));
  return bytes;
}

std::optional<LogEnd> parse_log_end(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kLogEndBytes) return std::nullopt;
  if (load_le32(bytes.data() + 24) != crc32_of(bytes.first(24))) return std::nullopt;
  const LogEnd end{.position = load_le64(bytes.data()),
                   .segment = load_le64(bytes.data() + 8),
                   .offset = load_le64(bytes.data() + 16)};
  if (end.position < kFirstPosition) return std::nullopt;
  return end;
}

}  // namespace backsight::storage
