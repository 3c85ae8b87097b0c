#include "config/lists/deny_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/reading/address_text.h"
#include "config/reading/text_file.h"

namespace backsight::config {
namespace {

constexpr probes::Ipv4Prefix block(unsigned a, unsigned b, unsigned c, unsigned length) {
  return {{a << 24 | b << 16 | c << 8}, static_cast<std::uint8_t>(length)};
}

// IANA IPv4 Special-Purpose Address Registry, those not globally reachable; the ones in
// never_unicast() come first. Left out because they are reachable: AS112 (192.31.196.0/24,
// 192.175.48.0/24; RFC 7534, 7535) and AMT (192.52.193.0/24; RFC 7450).
constexpr std::size_t kNeverUnicast = 5;
constexpr std::array kBogons{
    block(0, 0, 0, 8),                     // "this network", RFC 791 section 3.2
    block(127, 0, 0, 8),                   // loopback, RFC 1122 section 3.2.1.3
    block(224, 0, 0, 4),                   // multicast, RFC 5771
    block(240, 0, 0, 4),                   // reserved, RFC 1112 section 4
    probes::Ipv4Prefix{{0xffffffff}, 32},  // limited broadcast, RFC 919 section 7
    block(10, 0, 0, 8),                    // private, RFC 1918
    block(100, 64, 0, 10),                 // carrier-grade NAT, RFC 6598
    block(169, 254, 0, 16),                // link-local, RFC 3927
    block(172, 16, 0, 12),                 // private, RFC 1918
    block(192, 0, 0, 24),                  // IETF protocol assignments, RFC 6890
    block(192, 0, 2, 24),                  // documentation (TEST-NET-1), RFC 5737
    block(192, 88, 99, 24),                // 6to4 relays, withdrawn by RFC 7526
    block(192, 168, 0, 16),                // private, RFC 1918
    block(198, 18, 0, 15),                 // benchmarking, RFC 2544
    block(198, 51, 100, 24),               // documentation (TEST-NET-2), RFC 5737
    block(203, 0, 113, 24),                // documentation (TEST-NET-3), RFC 5737
};

std::uint32_t last_of(probes::Ipv4Prefix prefix) noexcept {
  return prefix.base.value | ~prefix.mask();
}

bool any_is_bogon(std::span<const probes::Ipv4Addr> addresses) {
  const PrefixSet set(kBogons);
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](probes::Ipv4Addr address) { return set.contains(address); });
}

}  // namespace

PrefixSet::PrefixSet(std::span<const probes::Ipv4Prefix> prefixes) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  ranges.reserve(prefixes.size());
  for (const probes::Ipv4Prefix prefix : prefixes) {
    ranges.emplace_back(prefix.base.value, last_of(prefix));
  }
  std::sort(ranges.begin(), ranges.end());
  for (const auto& [first, last] : ranges) {
    // Widened, so that the address after 255.255.255.255 is not 0.
    if (!lasts_.empty() && first <= std::uint64_t{lasts_.back()} + 1) {
      lasts_.back() = std::max(lasts_.back(), last);
    } else {
      firsts_.push_back(first);
      lasts_.push_back(last);
    }
  }
}

bool PrefixSet::contains(probes::Ipv4Addr address) const noexcept {
  return overlaps({address, 32});
}

bool PrefixSet::overlaps(probes::Ipv4Prefix prefix) const noexcept {
  const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), last_of(prefix));
  if (after == firsts_.begin()) return false;
  return lasts_[static_cast<std::size_t>(after - firsts_.begin()) - 1] >= prefix.base.value;
}

tl::expected<PrefixSet, Faults> parse_deny_list(std::string_view text, std::string_view file_name) {
  std::vector<probes::Ipv4Prefix> prefixes;
  Faults faults;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    entry = trimmed(entry.substr(0, entry.find('#')));
    if (entry.empty()) continue;
    if (const auto prefix = read_prefix(entry)) {
      prefixes.push_back(*prefix);
    } else {
      faults.push_back({std::string(file_name),
                        line,
                        {},
                        prefix.error() + "; write one prefix a line, such as 198.51.100.0/24"});
    }
  }
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return PrefixSet(prefixes);
}

tl::expected<PrefixSet, Faults> load_deny_list(const std::filesystem::path& file) {
  if (file.empty()) return PrefixSet{};
  const auto text = read_text_file(file);
  if (!text) return tl::unexpected(Faults{text.error()});
  return parse_deny_list(*text, file.string());
}

std::span<const probes::Ipv4Prefix> bogons() noexcept { return kBogons; }

std::span<const probes::Ipv4Prefix> never_unicast() noexcept {
  return std::span(kBogons).first(kNeverUnicast);
}

BogonPolicy::BogonPolicy(bool allow_bogons, std::span<const probes::Ipv4Addr> own)
    : allows_bogons_(allow_bogons || any_is_bogon(own)),
      refused_(allows_bogons_ ? never_unicast() : bogons()) {}

}  // namespace backsight::config
