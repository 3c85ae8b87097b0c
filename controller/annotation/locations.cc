#include "controller/annotation/locations.h"

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "config/reading/text_file.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
// Entries that show what a database is of, and steps to find them.
constexpr std::size_t kLookedAt = 10'000;
constexpr std::size_t kMostSteps = 1'000'000;
// Of the year 9999.
constexpr std::uint64_t kLastSecond = 253'402'300'799;

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

Location location_of(MMDB_entry_s& entry) {
  Location location;
  location.city = text_at(entry, {kCityName, kCity});
  const std::string_view country = text_at(entry, {kCountryCode, kFlatCountryCode, kCountry});
  if (country.size() == 2) location.country = country;
  const auto latitude = number_at(entry, {kLatitude, kFlatLatitude, kFlatLat}, 90);
  const auto longitude = number_at(entry, {kLongitude, kFlatLongitude, kFlatLng}, 180);
  if (latitude && longitude) {
    location.has_coordinates = true;
    location.latitude_degrees = *latitude;
    location.longitude_degrees = *longitude;
  }
  return location;
}

// A copy of a file that nobody else can change.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : descriptor_(::memfd_create("backsight-database", MFD_CLOEXEC)) {
    while (descriptor_ >= 0 && !bytes.empty()) {
      const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
      if (put <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    is_whole_ = descriptor_ >= 0;
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
  bool is_whole_ = false;
};

}  // namespace

void Locations::Close::operator()(MMDB_s* database) const noexcept {
  MMDB_close(database);
  delete database;
}

Expected<Locations> Locations::open(const std::filesystem::path& file) {
  auto opened = PackedFile::open(file);
  if (!opened) return tl::unexpected(opened.error());
  const auto bytes = opened->read_rest(kMostBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  const MemoryFile copy(*bytes);
  auto database = std::make_unique<MMDB_s>();
  const int status = copy.is_whole()
                         ? MMDB_open(copy.path().c_str(), MMDB_MODE_MMAP, database.get())
                         : MMDB_OUT_OF_MEMORY_ERROR;
  if (status != MMDB_SUCCESS) {
    return bad_usage(
        fmt::format("{}: cannot be read as a MaxMind database: {}; use a city database "
                    "such as GeoLite2-City.mmdb",
                    file.string(), MMDB_strerror(status)));
  }
  Locations locations;
  locations.database_.reset(database.release());
  const MMDB_metadata_s& about = locations.database_->metadata;
  locations.kind_ =
      fmt::format("{} of {:%Y-%m-%d}", config::printable(about.database_type),
                  fmt::gmtime(static_cast<std::time_t>(std::min(about.build_epoch, kLastSecond))));
  const Contents contents = locations.look(kLookedAt);
  if (contents.with_place + contents.with_country == 0) {
    return bad_usage(
        fmt::format("{}: is a {} database and tells no place of any address; use a "
                    "city database such as GeoLite2-City.mmdb",
                    file.string(), locations.kind_));
  }
  locations.has_countries_only_ = contents.with_place == 0;
  return locations;
}

Locations::Contents Locations::look(std::size_t most) const {
  Contents contents;
  std::vector<std::uint32_t> nodes = {0};
  const auto take = [&](std::uint64_t record, std::uint8_t type, MMDB_entry_s entry) {
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE) nodes.push_back(static_cast<std::uint32_t>(record));
    if (type != MMDB_RECORD_TYPE_DATA) return;
    ++contents.entries;
    const Location location = location_of(entry);
    contents.with_country += location.country.empty() ? 0 : 1;
    contents.with_place += location.has_coordinates || !location.city.empty() ? 1 : 0;
  };
  // A tree has no loops; one that an enemy made may.
  for (std::size_t step = 0; step < kMostSteps && !nodes.empty(); ++step) {
    if (contents.entries >= most) break;
    MMDB_search_node_s node;
    const std::uint32_t number = nodes.back();
    nodes.pop_back();
    if (MMDB_read_node(database_.get(), number, &node) != MMDB_SUCCESS) continue;
    take(node.right_record, node.right_record_type, node.right_record_entry);
    take(node.left_record, node.left_record_type, node.left_record_entry);
  }
  return contents;
}

std::optional<Location> Locations::find(probes::Ipv4Addr address) const {
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_addr.s_addr = htonl(address.value);
  int status = MMDB_SUCCESS;
  MMDB_lookup_result_s found =
      MMDB_lookup_sockaddr(database_.get(), reinterpret_cast<const sockaddr*>(&wanted), &status);
  if (status != MMDB_SUCCESS || !found.found_entry) return std::nullopt;

  const Location location = location_of(found.entry);
  if (location == Location{}) return std::nullopt;
  return location;
}

}  // namespace backsight::controller
