#include "controller/annotation/locations.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include "controller/form/utf8.h"

namespace backsight::controller {

namespace {

// The value at one of these places, the first that there is and has this type. Each ends in
// nullptr.
using Place = const char* const*;
constexpr const char* kCityName[] = {"city", "names", "en", nullptr};
constexpr const char* kCity[] = {"city", nullptr};  // IPinfo's are flat
constexpr const char* kCountryCode[] = {"country", "iso_code", nullptr};
constexpr const char* kCountry[] = {"country", nullptr};
constexpr const char* kFlatCountryCode[] = {"country_code", nullptr};
constexpr const char* kLatitude[] = {"location", "latitude", nullptr};
constexpr const char* kLongitude[] = {"location", "longitude", nullptr};
constexpr const char* kFlatLatitude[] = {"latitude", nullptr};
constexpr const char* kFlatLongitude[] = {"longitude", nullptr};
constexpr const char* kFlatLat[] = {"lat", nullptr};
constexpr const char* kFlatLng[] = {"lng", nullptr};

std::optional<MMDB_entry_data_s> value_at(MMDB_entry_s& entry, Place place) {
  MMDB_entry_data_s data;
  if (MMDB_aget_value(&entry, &data, place) != MMDB_SUCCESS || !data.has_data) return std::nullopt;
  return data;
}

std::string_view text_at(MMDB_entry_s& entry, std::initializer_list<Place> places) {
  for (const Place place : places) {
    const auto data = value_at(entry, place);
    if (data && data->type == MMDB_DATA_TYPE_UTF8_STRING) {
      return {data->utf8_string, data->data_size};
    }
  }
  return {};
}

// IPinfo writes numbers as text.
std::optional<double> number_of(const MMDB_entry_data_s& data) {
  double number = NAN;
  if (data.type == MMDB_DATA_TYPE_DOUBLE) number = data.double_value;
  if (data.type == MMDB_DATA_TYPE_FLOAT) number = static_cast<double>(data.float_value);
  if (data.type == MMDB_DATA_TYPE_UTF8_STRING) {
    const char* end = data.utf8_string + data.data_size;
    if (std::from_chars(data.utf8_string, end, number).ptr != end) number = NAN;
  }
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<double> number_at(MMDB_entry_s& entry, std::initializer_list<Place> places,
                                double limit) {
  for (const Place place : places) {
    const auto data = value_at(entry, place);
    const auto number = data ? number_of(*data) : std::nullopt;
    if (number && std::abs(*number) <= limit) return number;
  }
  return std::nullopt;
}

}  // namespace

void Locations::Close::operator()(MMDB_s* database) const noexcept {
  MMDB_close(database);
  delete database;
}

Expected<Locations> Locations::open(const std::filesystem::path& file) {
  auto database = std::make_unique<MMDB_s>();
  const int status = MMDB_open(file.c_str(), MMDB_MODE_MMAP, database.get());
  if (status != MMDB_SUCCESS) {
    return bad_usage(
        fmt::format("{}: cannot be read as a MaxMind database: {}; use a city database "
                    "such as GeoLite2-City.mmdb",
                    file.string(), MMDB_strerror(status)));
  }
  Locations locations;
  locations.database_.reset(database.release());
  return locations;
}

std::optional<Location> Locations::find(probes::Ipv4Addr address) const {
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_addr.s_addr = htonl(address.value);
  int status = MMDB_SUCCESS;
  MMDB_lookup_result_s found =
      MMDB_lookup_sockaddr(database_.get(), reinterpret_cast<const sockaddr*>(&wanted), &status);
  if (status != MMDB_SUCCESS || !found.found_entry) return std::nullopt;

  Location location;
  location.city = as_utf8(text_at(found.entry, {kCityName, kCity}));
  const std::string_view country = text_at(found.entry, {kCountryCode, kFlatCountryCode, kCountry});
  if (country.size() == 2) location.country = as_utf8(country);
  const auto latitude = number_at(found.entry, {kLatitude, kFlatLatitude, kFlatLat}, 90);
  const auto longitude = number_at(found.entry, {kLongitude, kFlatLongitude, kFlatLng}, 180);
  if (latitude && longitude) {
    location.has_coordinates = true;
    location.latitude_degrees = *latitude;
    location.longitude_degrees = *longitude;
  }
  if (location == Location{}) return std::nullopt;
  return location;
}

}  // namespace backsight::controller
