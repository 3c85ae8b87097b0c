// What a simulation knows, as files for users' own tools and as text.
#pragma once

#include <filesystem>
#include <string>

#include "config/error.h"
#include "sim/world.h"

namespace backsight::sim {

// Writes into the folder, which is made if need be:
//   pfx2as.txt           CAIDA's prefix-to-AS form: prefix, length, AS, tab-separated
//   exchanges.json       members of exchanges, as PeeringDB's netixlan: "data", "ipaddr4", "asn"
//   aliases.txt          one router a line: its public addresses, separated by blanks
//   hosts.txt            hosts that answer pings, one a line: address, "rr" (options too) or "-"
//   vantage-points.txt   number, address/length, gateway, AS, city, "spoofs" or "-"
[[nodiscard]] Expected<void> write_lists(const World& world, const std::filesystem::path& folder);

// The routers between two addresses, as an aligned table and as JSON.
[[nodiscard]] std::string path_table(const Path& path);
[[nodiscard]] std::string path_json(Ipv4Addr from, Ipv4Addr to, const Path& path);

}  // namespace backsight::sim
