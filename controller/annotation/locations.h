// Where an address is, from a MaxMind database: GeoLite2-City or GeoIP2-City, or one of IPinfo.
// Thread: any.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "config/error.h"
#include "probes/address.h"

struct MMDB_s;

namespace backsight::controller {

struct Location {
  std::string city;     // in English, valid UTF-8; empty: not known
  std::string country;  // ISO 3166-1 alpha-2; empty: not known
  bool has_coordinates = false;
  double latitude_degrees = 0;
  double longitude_degrees = 0;

  friend bool operator==(const Location&, const Location&) = default;
};

class Locations {
 public:
  [[nodiscard]] static Expected<Locations> open(const std::filesystem::path& file);

  // Nothing when neither city, country nor coordinates are known.
  [[nodiscard]] std::optional<Location> find(probes::Ipv4Addr address) const;

 private:
  struct Close {
    void operator()(MMDB_s* database) const noexcept;
  };
  Locations() = default;

  std::unique_ptr<MMDB_s, Close> database_;
};

}  // namespace backsight::controller
