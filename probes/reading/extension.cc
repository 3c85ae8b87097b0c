// The extension structure of ICMP errors (RFC 4884) and the MPLS label stacks in it (RFC 4950).
#include <array>

#include "probes/reading/steps.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes {
namespace {

// A structure whose checksum is right proves itself; one that has none may be what a router left
// there.
enum class ChecksumRule { kIsRight, kIsAbsent };

bool has_extension_version(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= icmp::kExtensionHeaderBytes &&
         std::to_integer<std::uint8_t>(bytes[0]) >> 4 == icmp::kExtensionVersion;
}

// The first of `objects`, its header included. Empty: it is not whole.
std::span<const std::byte> first_object(std::span<const std::byte> objects) noexcept {
  if (objects.size() < icmp::kExtensionObjectHeaderBytes) return {};
  const std::size_t length = load_be16(objects.data());
  if (length < icmp::kExtensionObjectHeaderBytes || length > objects.size()) return {};
  return objects.first(length);
}

// Whether whole objects, one at the least, fill the bytes.
bool are_objects(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return false;
  while (!bytes.empty()) {
    const auto object = first_object(bytes);
    if (object.empty()) return false;
    bytes = bytes.subspan(object.size());
  }
  return true;
}

// RFC 4884, section 7: a checksum of zero means that none was sent.
bool is_extension(std::span<const std::byte> bytes, ChecksumRule rule) noexcept {
  if (!has_extension_version(bytes)) return false;
  const bool is_absent = load_be16(bytes.data() + 2) == 0;
  if (rule == ChecksumRule::kIsRight) return !is_absent && adds_up(bytes);
  return is_absent && are_objects(bytes.subspan(icmp::kExtensionHeaderBytes));
}

void read_label_stack(std::span<const std::byte> entries, MplsStack& into) noexcept {
  for (; !entries.empty(); entries = entries.subspan(icmp::kMplsEntryBytes)) {
    if (into.count == kMaxMplsLabels) return;
    into.labels[into.count++] = MplsLabel::of_entry(load_be32(entries.data()));
  }
}

void read_objects(std::span<const std::byte> objects, MplsStack& into) noexcept {
  while (!objects.empty()) {
    const auto object = first_object(objects);
    if (object.empty()) return;
    const auto payload = object.subspan(icmp::kExtensionObjectHeaderBytes);
    const bool is_stack = std::to_integer<std::uint8_t>(object[2]) == icmp::kMplsClass &&
                          std::to_integer<std::uint8_t>(object[3]) == icmp::kMplsIncomingStack;
    if (is_stack) {
      if (payload.size() % icmp::kMplsEntryBytes != 0) return;
      read_label_stack(payload, into);
    }
    objects = objects.subspan(object.size());
  }
}

}  // namespace

bool read_extension(std::span<const std::byte> data, std::uint8_t quote_words,
                    bool may_lack_checksum, MplsStack& into) noexcept {
  // Behind the quote as its length is meant, where it is padded to, and behind a length in bytes.
  const std::array<std::size_t, 3> places = {std::size_t{quote_words} * 4,
                                             icmp::kOldExtensionOffset, quote_words};
  // No quote is shorter, and what stands before it is no extension.
  constexpr std::size_t kLeastQuote = ipv4::kMinHeaderBytes + icmp::kMinQuotedTransportBytes;
  bool seems_there = false;
  for (const ChecksumRule rule : {ChecksumRule::kIsRight, ChecksumRule::kIsAbsent}) {
    if (rule == ChecksumRule::kIsAbsent && !may_lack_checksum) break;
    for (const std::size_t place : places) {
      if (place < kLeastQuote || place >= data.size()) continue;
      const auto extension = data.subspan(place);
      seems_there |= place != quote_words && has_extension_version(extension);
      if (!is_extension(extension, rule)) continue;
      read_objects(extension.subspan(icmp::kExtensionHeaderBytes), into);
      return true;
    }
  }
  return !seems_there;
}

}  // namespace backsight::probes
