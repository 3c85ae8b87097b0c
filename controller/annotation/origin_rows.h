// Rows of prefixes, or of single addresses, with the AS each is of, in the forms that people have:
//   192.0.2.0<tab>24<tab>64500       CAIDA's prefix-to-AS
//   192.0.2.0/24<tab>64500           pyasn's .dat, bdrmapIT's ip2as
//   addr,router,asn,...              bdrmapIT's annotations as CSV, by the names in its first row
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/annotation/packed_file.h"
#include "controller/annotation/prefix_table.h"

namespace backsight::controller {

struct OriginRows {
  std::vector<Origin> origins;
  std::uint64_t passed = 0;             // rows that were not used
  std::vector<std::string> complaints;  // of these, one sentence each
};

// An AS may be several: "1_2" (origins) or "1,2" and "{1,2}" (a set); the first counts. "#" and ";"
// begin comments. Odd rows and those of IPv6 are passed over and told. A file without a single good
// row is refused.
[[nodiscard]] Expected<OriginRows> read_origin_rows(PackedFile file);

}  // namespace backsight::controller
