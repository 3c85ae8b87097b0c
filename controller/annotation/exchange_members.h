// Whose interface an address of an exchange's LAN is. Nobody announces these addresses, so no
// prefix-to-AS file tells; the exchanges' members enter them in PeeringDB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/annotation/prefix_table.h"

namespace backsight::controller {

struct ExchangeMembers {
  std::vector<Origin> members;          // a /32 each; of rows, what they say
  std::uint64_t passed = 0;             // rows that were not used: odd, deleted, without IPv4
  std::vector<std::string> complaints;  // odd rows and how many were deleted, one sentence each
};

// Reads what PeeringDB's API answers for `netixlan`, an object whose "data" is an array of objects
// with "ipaddr4", "asn" and "status"; several such answers one behind the other, as of a paged
// download; the array alone; a dump of all of PeeringDB. Or else the rows of origin_rows.h, such as
// bdrmapIT's annotations. Packed or not. Rows whose status is not "ok", and those without an IPv4
// address, are passed over. A file without a single good row is refused. 256 MiB are the most.
[[nodiscard]] Expected<ExchangeMembers> read_exchange_members(const std::filesystem::path& file);

}  // namespace backsight::controller
