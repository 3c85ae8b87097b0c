// Where an address is, from a MaxMind database: GeoLite2-City or GeoIP2-City, or one of IPinfo.
// Thread: any.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "config/error.h"
#include "probes/ip/address.h"

struct MMDB_s;

namespace backsight::controller {

struct Location {
  std::string city;     // in English, as the file has it; empty: not known
  std::string country;  // ISO 3166-1 alpha-2; empty: not known
  bool has_coordinates = false;
  double latitude_degrees = 0;
  double longitude_degrees = 0;

  friend bool operator==(const Location&, const Location&) = default;
};

class Locations {
 public:
  // The file may be packed (packed_file.h). It is read as a whole: what becomes of it later does
  // not matter. A database of another kind, which tells no place, is refused.
  [[nodiscard]] static Expected<Locations> open(const std::filesystem::path& file);

  // "GeoLite2-City of 2026-01-31"
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
  // It knows neither cities nor coordinates.
  [[nodiscard]] bool has_countries_only() const noexcept { return has_countries_only_; }

  // Nothing when neither city, country nor coordinates are known.
  [[nodiscard]] std::optional<Location> find(probes::Ipv4Addr address) const;

 private:
  struct Close {
    void operator()(MMDB_s* database) const noexcept;
  };
  Locations() = default;

  // What its entries tell, of the first `most` of them.
  struct Contents {
    std::size_t entries = 0;
    std::size_t with_country = 0;
    std::size_t with_place = 0;  // a city or coordinates
  };
  [[nodiscard]] Contents look(std::size_t most) const;

  std::unique_ptr<MMDB_s, Close> database_;
  std::string kind_;
  bool has_countries_only_ = false;
};

}  // namespace backsight::controller
