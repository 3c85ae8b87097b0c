#include "queue/nats/wire/message.h"

#include <array>
#include <cstring>

#include "probes/assert.h"
#include "storage/log/log_format.h"

namespace backsight::queue::nats {

namespace {

constexpr std::array<char, 3> kMagic{'B', 'S', 'Q'};
constexpr char kVersion = '1';
constexpr std::size_t kCrcOffset = 4;
constexpr std::size_t kAfterOffset = 8;

bool begins_as_ours(std::span<const std::byte> body) {
  return std::memcmp(body.data(), kMagic.data(), kMagic.size()) == 0;
}

}  // namespace

std::string_view describe(Fault fault) noexcept {
  switch (fault) {
    case Fault::kShort:
      return "its length is wrong";
    case Fault::kForeign:
      return "it is no message of Backsight's";
    case Fault::kNewer:
      return "it is of a newer version; upgrade this program";
    case Fault::kDamaged:
      return "its checksum is wrong";
    case Fault::kCount:
      break;
  }
  return "";
}

void write_message(std::uint64_t after, const storage::LogRecord& record,
                   std::vector<std::byte>& out) {
  BACKSIGHT_ASSERT(after <= record.position);
  out.assign(kEnvelopeBytes, std::byte{0});
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  out[kMagic.size()] = static_cast<std::byte>(kVersion);
  storage::store_le64(out.data() + kAfterOffset, after);
  storage::store_le32(out.data() + kCrcOffset, storage::crc32_of(std::span(out).subspan(
                                                   kAfterOffset, kEnvelopeBytes - kAfterOffset)));
  storage::append_record(out, record.payload, record.position, record.count);
}

tl::expected<Envelope, Fault> read_message(std::span<const std::byte> body) {
  if (body.size() < kMagic.size() + 1) return tl::unexpected(Fault::kForeign);
  if (!begins_as_ours(body)) return tl::unexpected(Fault::kForeign);
  const char version = static_cast<char>(body[kMagic.size()]);
  if (version > kVersion && version <= 'z') return tl::unexpected(Fault::kNewer);
  if (version != kVersion) return tl::unexpected(Fault::kForeign);
  if (body.size() < kEnvelopeBytes + storage::kRecordHeaderBytes)
    return tl::unexpected(Fault::kShort);
  const auto head = body.subspan(kAfterOffset, kEnvelopeBytes - kAfterOffset);
  if (storage::load_le32(body.data() + kCrcOffset) != storage::crc32_of(head))
    return tl::unexpected(Fault::kDamaged);
  const auto record = body.subspan(kEnvelopeBytes);
  const storage::RecordHeader header = storage::load_record_header(record);
  if (!header.is_plausible()) return tl::unexpected(Fault::kDamaged);
  if (record.size() != storage::record_bytes(header.payload_bytes))
    return tl::unexpected(Fault::kShort);
  if (!storage::record_is_whole(record)) return tl::unexpected(Fault::kDamaged);
  const std::uint64_t after = storage::load_le64(body.data() + kAfterOffset);
  if (after > header.position) return tl::unexpected(Fault::kDamaged);
  return Envelope{after,
                  {header.position, header.count,
                   record.subspan(storage::kRecordHeaderBytes, header.payload_bytes)}};
}

}  // namespace backsight::queue::nats
