// Whose addresses a vantage point may spoof: those whose owners consented, while they do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "probes/ip/address.h"

namespace backsight::config {

inline constexpr std::int64_t kNoExpiry = std::numeric_limits<std::int64_t>::max();

// One consent.
struct Enrolled {
  probes::Ipv4Prefix prefix;
  std::int64_t expires = kNoExpiry;  // unix seconds, the first moment without consent
};

// Immutable: on a reload, make another and swap. Thread: any number of readers.
class Enrolment {
 public:
  Enrolment() = default;  // allows nothing
  explicit Enrolment(std::span<const Enrolled> entries);

  // Whether `source` may be spoofed at `now` (unix seconds): some entry covers it and has not
  // expired. A binary search over disjoint ranges; no allocation.
  [[nodiscard]] bool allows(probes::Ipv4Addr source, std::int64_t now) const noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return ranges_.empty(); }

 private:
  // Addresses first..last, both included, and the latest expiry of the entries that cover them.
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
    std::int64_t expires;
  };
  void append(const Range& range);

  std::vector<Range> ranges_;  // sorted, disjoint
};

// enrolled.yaml: a list `enrolled` of addresses, prefixes, or maps of
//   address  an address or prefix
//   until    YYYY-MM-DD, the last day of consent (UTC); absent: no end
//   note     words for people
// All bad entries are reported at once. An empty path allows nothing.
[[nodiscard]] tl::expected<Enrolment, Faults> load_enrolment(const std::filesystem::path& file);
[[nodiscard]] tl::expected<Enrolment, Faults> parse_enrolment(const std::string& text,
                                                              std::string_view file_name);

}  // namespace backsight::config
