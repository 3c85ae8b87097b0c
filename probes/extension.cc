// The extension structure of ICMP errors (RFC 4884) and the MPLS label stacks in it (RFC 4950).
#include "probes/reading.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"

namespace backsight::probes {
namespace {

enum class ChecksumRule { kMayBeAbsent, kMustBeThere };

// RFC 4884, section 7: a checksum of zero means that none was sent.
bool is_extension(std::span<const std::byte> bytes, ChecksumRule rule) noexcept {
  if (bytes.size() < icmp::kExtensionHeaderBytes) return false;
  if (std::to_integer<std::uint8_t>(bytes[0]) >> 4 != icmp::kExtensionVersion) return false;
  if (load_be16(bytes.data() + 2) == 0) return rule == ChecksumRule::kMayBeAbsent;
  return adds_up(bytes);
}

void read_label_stack(std::span<const std::byte> entries, MplsStack& into) noexcept {
  for (; !entries.empty(); entries = entries.subspan(icmp::kMplsEntryBytes)) {
    if (into.count == kMaxMplsLabels) return;
    const std::uint32_t entry = load_be32(entries.data());
    into.labels[into.count++] = {.label = entry >> 12,
                                 .traffic_class = static_cast<std::uint8_t>(entry >> 9 & 7),
                                 .is_bottom = (entry >> 8 & 1) != 0,
                                 .ttl = static_cast<std::uint8_t>(entry & 0xff)};
  }
}

}  // namespace

ErrorData split_error(std::span<const std::byte> data, std::uint8_t quote_words) noexcept {
  if (quote_words != 0) {
    const std::size_t quote_bytes = std::size_t{quote_words} * 4;
    // A length beyond the packet is garbage in a field that older routers do not know.
    if (quote_bytes > data.size()) return {data, {}};
    return {data.first(quote_bytes), data.subspan(quote_bytes)};
  }
  if (data.size() > icmp::kOldExtensionOffset) {
    const auto extension = data.subspan(icmp::kOldExtensionOffset);
    if (is_extension(extension, ChecksumRule::kMustBeThere)) {
      return {data.first(icmp::kOldExtensionOffset), extension};
    }
  }
  return {data, {}};
}

void read_mpls(std::span<const std::byte> extension, MplsStack& into) noexcept {
  if (!is_extension(extension, ChecksumRule::kMayBeAbsent)) return;
  auto objects = extension.subspan(icmp::kExtensionHeaderBytes);
  while (objects.size() >= icmp::kExtensionObjectHeaderBytes) {
    const std::size_t length = load_be16(objects.data());  // its own header included
    if (length < icmp::kExtensionObjectHeaderBytes || length > objects.size()) return;
    const auto payload = objects.first(length).subspan(icmp::kExtensionObjectHeaderBytes);
    const bool is_stack = std::to_integer<std::uint8_t>(objects[2]) == icmp::kMplsClass &&
                          std::to_integer<std::uint8_t>(objects[3]) == icmp::kMplsIncomingStack;
    if (is_stack) {
      if (payload.size() % icmp::kMplsEntryBytes != 0) return;
      read_label_stack(payload, into);
    }
    objects = objects.subspan(length);
  }
}

}  // namespace backsight::probes
