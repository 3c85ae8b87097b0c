// Traceroutes that RIPE Atlas' probes measured, as its API hands them out (firmware 4460 and
// later): a JSON array, pages with "results", or one result a line; packed or not. Thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/error.h"
#include "controller/records.h"

namespace backsight::controller {

// What became of a file's rows: taken + ipv6 + odd.
struct RipeAtlasSummary {
  std::uint64_t taken = 0;
  std::uint64_t ipv6 = 0;  // skipped
  std::uint64_t odd = 0;   // skipped; told in `complaints`
  // The first odd rows by their number, then how many more; that IPv6 was skipped; that the file
  // ends too early, or is one page of several.
  std::vector<std::string> complaints;
};

// Hands out one trace after the other. A row that cannot be used is skipped and told. An error when
// the file cannot be read at all, or when no row of it can be used.
[[nodiscard]] Expected<RipeAtlasSummary> read_ripe_atlas(
    const std::filesystem::path& file, const std::function<void(TraceRecord)>& each);

enum class RipeAtlasSkip : std::uint8_t { kIpv6, kOdd };
struct RipeAtlasFault {
  RipeAtlasSkip skip = RipeAtlasSkip::kOdd;
  std::string sentence;
};

// One result. Of the record:
//   - platform is "ripe", `probe` the probe's number; id, revtr and vp are for the caller to set
//   - src is the probe's public address when its own is private
//   - hops: of each TTL one for each router that answered, by its least round trip, or one without
//   a
//     reply; sent_at_ns is not known, 0. The last try with TTL 255 is no hop of the path.
//   - outcome: reached, unreachable, gap_limit (its last hop is silent) or max_ttl
[[nodiscard]] tl::expected<TraceRecord, RipeAtlasFault> parse_ripe_atlas(std::string_view json);

}  // namespace backsight::controller
