// Writes small MaxMind databases (format 2.0, IPv4, records of 32 bits) for tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "probes/ip/address.h"

namespace backsight::controller::mmdb {

// Values, encoded.
[[nodiscard]] std::string text(const std::string& value);
[[nodiscard]] std::string real(double value);
[[nodiscard]] std::string map(const std::vector<std::pair<std::string, std::string>>& members);

struct Entry {
  probes::Ipv4Prefix prefix;
  std::string value;
};

// REQUIRES: no prefix holds another.
[[nodiscard]] std::string database(const std::vector<Entry>& entries);

// What GeoLite2-City says of an address.
[[nodiscard]] std::string city(const std::string& name, const std::string& country, double latitude,
                               double longitude);

}  // namespace backsight::controller::mmdb
