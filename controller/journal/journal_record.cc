#include "controller/journal/journal_record.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "probes/assert.h"
#include "storage/log/log_format.h"

namespace backsight::controller {

namespace {

using storage::load_le32;
using storage::load_le64;

constexpr std::size_t kHeadBytes = 32;
constexpr std::byte kForm{2};
constexpr std::size_t kMaxRatio = 1032;  // deflate makes nothing smaller than this (zlib's manual)
constexpr int kLevel = 3;  // of deflate: 20 us for a path of 15 hops, a quarter of its size

std::size_t name_bytes(std::span<const std::byte> bytes) {
  return std::to_integer<std::size_t>(bytes[2]) | std::to_integer<std::size_t>(bytes[3]) << 8;
}

bool is_kind(std::byte what) {
  constexpr std::string_view kKinds = "ACME";
  return kKinds.find(std::to_integer<char>(what)) != kKinds.npos;
}

}  // namespace

std::vector<std::byte> encode_record(const JournalHead& head, std::string_view text) {
  BACKSIGHT_ASSERT(head.name.size() <= kMaxNameBytes && text.size() <= kMaxJournalText);
  const std::size_t begin = kHeadBytes + head.name.size();
  uLongf deflated = text.empty() ? 0 : compressBound(static_cast<uLong>(text.size()));
  std::vector<std::byte> bytes(begin + deflated);
  bytes[0] = static_cast<std::byte>(head.kind);
  bytes[1] = kForm;
  bytes[2] = static_cast<std::byte>(head.name.size() & 0xff);
  bytes[3] = static_cast<std::byte>(head.name.size() >> 8);
  storage::store_le32(bytes.data() + 4, static_cast<std::uint32_t>(text.size()));
  storage::store_le64(bytes.data() + 8, head.batch);
  storage::store_le64(bytes.data() + 16, head.number);
  storage::store_le64(bytes.data() + 24, head.unix_us);
  std::memcpy(bytes.data() + kHeadBytes, head.name.data(), head.name.size());
  if (!text.empty()) {
    compress2(reinterpret_cast<Bytef*>(bytes.data() + begin), &deflated,
              reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()),
              kLevel);  // there is room for all it may become
    bytes.resize(begin + deflated);
  }
  return bytes;
}

tl::expected<JournalHead, std::string> parse_head(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeadBytes || bytes.size() < kHeadBytes + name_bytes(bytes)) {
    return tl::unexpected(fmt::format("{} bytes are no record of a journal", bytes.size()));
  }
  if (!is_kind(bytes[0]) || bytes[1] != kForm) {
    return tl::unexpected(fmt::format("a record of kind {}, form {} is not known here",
                                      std::to_integer<int>(bytes[0]),
                                      std::to_integer<int>(bytes[1])));
  }
  JournalHead head;
  head.kind = static_cast<JournalKind>(bytes[0]);
  head.batch = load_le64(bytes.data() + 8);
  head.number = load_le64(bytes.data() + 16);
  head.unix_us = load_le64(bytes.data() + 24);
  head.name.assign(reinterpret_cast<const char*>(bytes.data()) + kHeadBytes, name_bytes(bytes));
  return head;
}

tl::expected<std::string, std::string> parse_text(std::span<const std::byte> bytes) {
  const std::size_t size = load_le32(bytes.data() + 4);
  const auto deflated = bytes.subspan(kHeadBytes + name_bytes(bytes));
  if (size > std::min(kMaxJournalText, kMaxRatio * deflated.size())) {
    return tl::unexpected(fmt::format("a text of {} bytes in {}", size, deflated.size()));
  }
  std::string text(size, '\0');
  uLongf inflated = static_cast<uLongf>(size);
  if (size == 0 && deflated.empty()) return text;
  const int code = uncompress(reinterpret_cast<Bytef*>(text.data()), &inflated,
                              reinterpret_cast<const Bytef*>(deflated.data()),
                              static_cast<uLong>(deflated.size()));
  if (code != Z_OK || inflated != size)
    return tl::unexpected<std::string>("a text that is damaged");
  return text;
}

}  // namespace backsight::controller
