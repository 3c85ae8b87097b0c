// Which destinations are never probed: the operator's deny file and the bogons.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "probes/ip/address.h"

namespace backsight::config {

// Addresses, given as prefixes that may overlap. Immutable: on a reload, make another and swap.
// Thread: any number of readers.
class PrefixSet {
 public:
  PrefixSet() = default;
  explicit PrefixSet(std::span<const probes::Ipv4Prefix> prefixes);

  // A binary search over disjoint ranges; no allocation.
  [[nodiscard]] bool contains(probes::Ipv4Addr address) const noexcept;
  // Whether any address of the prefix is in the set.
  [[nodiscard]] bool overlaps(probes::Ipv4Prefix prefix) const noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return firsts_.empty(); }
  [[nodiscard]] std::size_t range_count() const noexcept { return firsts_.size(); }

 private:
  // Range i is firsts_[i]..lasts_[i], both included; sorted, disjoint, not adjacent.
  std::vector<std::uint32_t> firsts_;
  std::vector<std::uint32_t> lasts_;
};

// A deny file: one prefix a line, "#" comments, empty lines. All bad lines are reported at once.
// An empty path denies nothing.
[[nodiscard]] tl::expected<PrefixSet, Faults> load_deny_list(const std::filesystem::path& file);
[[nodiscard]] tl::expected<PrefixSet, Faults> parse_deny_list(std::string_view text,
                                                              std::string_view file_name);

// The special-purpose prefixes that are not reachable on the Internet.
[[nodiscard]] std::span<const probes::Ipv4Prefix> bogons() noexcept;

// Those of bogons() that no network forwards to one host: "this network", loopback, multicast,
// reserved and broadcast.
[[nodiscard]] std::span<const probes::Ipv4Prefix> never_unicast() noexcept;

// Which special-purpose destinations are refused:
//   - never_unicast(), always;
//   - all of bogons(), unless `allow_bogons` is set or who measures lives in bogon space itself,
//     that is, any of its own addresses is a bogon: such a port is no port of the Internet but one
//     of a lab. (Behind a NAT, list the private prefixes in the deny file.)
class BogonPolicy {
 public:
  BogonPolicy(bool allow_bogons, std::span<const probes::Ipv4Addr> own);

  [[nodiscard]] bool refuses(probes::Ipv4Addr destination) const noexcept {
    return refused_.contains(destination);
  }
  [[nodiscard]] bool allows_bogons() const noexcept { return allows_bogons_; }

 private:
  bool allows_bogons_;
  PrefixSet refused_;
};

}  // namespace backsight::config
