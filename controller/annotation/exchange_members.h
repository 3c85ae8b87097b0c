// Whose interface an address of an exchange's LAN is. Nobody announces these addresses, so no
// prefix-to-AS file tells; the exchanges' members enter them in PeeringDB.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/annotation/prefix_table.h"

namespace backsight::controller {

struct ExchangeMembers {
  std::vector<Origin> members;          // a /32 each
  std::vector<std::string> complaints;  // odd rows that were skipped, one sentence each
};

// Reads what PeeringDB's API answers for `netixlan`, plain or packed with gzip: an object whose
// "data" is an array of objects with "ipaddr4" and "asn". Rows without an IPv4 address are passed
// over. A file without a single good row is refused. 256 MiB are the most.
[[nodiscard]] Expected<ExchangeMembers> read_exchange_members(const std::filesystem::path& file);

}  // namespace backsight::controller
