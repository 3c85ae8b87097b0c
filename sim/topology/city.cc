#include "sim/topology/city.h"

#include <algorithm>
#include <cmath>

namespace backsight::sim {
namespace {

constexpr Region kNa = Region::kNorthAmerica;
constexpr Region kEu = Region::kEurope;
constexpr Region kAs = Region::kAsia;
constexpr Region kSa = Region::kSouthAmerica;
constexpr Region kAf = Region::kAfrica;
constexpr Region kOc = Region::kOceania;

// Coordinates to a tenth of a degree. Weights are guesses in the order of known exchanges.
constexpr City kCities[] = {
    {"Frankfurt", 50.1F, 8.7F, 60, kEu},
    {"Amsterdam", 52.4F, 4.9F, 58, kEu},
    {"London", 51.5F, -0.1F, 58, kEu},
    {"Ashburn", 39.0F, -77.5F, 56, kNa},
    {"Sao Paulo", -23.6F, -46.6F, 56, kSa},
    {"Los Angeles", 34.1F, -118.2F, 44, kNa},
    {"New York", 40.7F, -74.0F, 44, kNa},
    {"Singapore", 1.4F, 103.8F, 44, kAs},
    {"Moscow", 55.8F, 37.6F, 42, kEu},
    {"Jakarta", -6.2F, 106.8F, 40, kAs},
    {"Tokyo", 35.7F, 139.7F, 38, kAs},
    {"Hong Kong", 22.3F, 114.2F, 38, kAs},
    {"Paris", 48.9F, 2.4F, 36, kEu},
    {"Chicago", 41.9F, -87.6F, 36, kNa},
    {"Dallas", 32.8F, -96.8F, 34, kNa},
    {"San Jose", 37.3F, -121.9F, 34, kNa},
    {"Mumbai", 19.1F, 72.9F, 34, kAs},
    {"Warsaw", 52.2F, 21.0F, 28, kEu},
    {"Rio de Janeiro", -22.9F, -43.2F, 28, kSa},
    {"Sydney", -33.9F, 151.2F, 28, kOc},
    {"Miami", 25.8F, -80.2F, 26, kNa},
    {"Seattle", 47.6F, -122.3F, 26, kNa},
    {"Stockholm", 59.3F, 18.1F, 24, kEu},
    {"Milan", 45.5F, 9.2F, 24, kEu},
    {"Fortaleza", -3.7F, -38.5F, 24, kSa},
    {"Prague", 50.1F, 14.4F, 22, kEu},
    {"Vienna", 48.2F, 16.4F, 22, kEu},
    {"Madrid", 40.4F, -3.7F, 22, kEu},
    {"Kyiv", 50.5F, 30.5F, 22, kEu},
    {"Atlanta", 33.7F, -84.4F, 22, kNa},
    {"Johannesburg", -26.2F, 28.0F, 22, kAf},
    {"Delhi", 28.6F, 77.2F, 22, kAs},
    {"Dhaka", 23.8F, 90.4F, 20, kAs},
    {"Buenos Aires", -34.6F, -58.4F, 20, kSa},
    {"Zurich", 47.4F, 8.5F, 20, kEu},
    {"Toronto", 43.7F, -79.4F, 20, kNa},
    {"Bucharest", 44.4F, 26.1F, 18, kEu},
    {"Sofia", 42.7F, 23.3F, 18, kEu},
    {"Istanbul", 41.0F, 29.0F, 18, kEu},
    {"Seoul", 37.6F, 127.0F, 18, kAs},
    {"Denver", 39.7F, -105.0F, 16, kNa},
    {"Copenhagen", 55.7F, 12.6F, 16, kEu},
    {"Bangkok", 13.8F, 100.5F, 16, kAs},
    {"Taipei", 25.0F, 121.5F, 16, kAs},
    {"Manila", 14.6F, 121.0F, 16, kAs},
    {"Osaka", 34.7F, 135.5F, 14, kAs},
    {"Chennai", 13.1F, 80.3F, 14, kAs},
    {"Bogota", 4.7F, -74.1F, 14, kSa},
    {"Nairobi", -1.3F, 36.8F, 14, kAf},
    {"Lagos", 6.5F, 3.4F, 14, kAf},
    {"Melbourne", -37.8F, 145.0F, 14, kOc},
    {"Tehran", 35.7F, 51.4F, 14, kAs},
    {"Kuala Lumpur", 3.1F, 101.7F, 14, kAs},
    {"Hanoi", 21.0F, 105.9F, 14, kAs},
    {"Santiago", -33.4F, -70.7F, 12, kSa},
    {"Mexico City", 19.4F, -99.1F, 12, kNa},
    {"Houston", 29.8F, -95.4F, 12, kNa},
    {"Montreal", 45.5F, -73.6F, 12, kNa},
    {"Brussels", 50.9F, 4.4F, 12, kEu},
    {"Dublin", 53.3F, -6.3F, 12, kEu},
    {"Helsinki", 60.2F, 24.9F, 12, kEu},
    {"Marseille", 43.3F, 5.4F, 12, kEu},
    {"Dubai", 25.3F, 55.3F, 12, kAs},
    {"Cairo", 30.0F, 31.2F, 12, kAf},
    {"Auckland", -36.8F, 174.8F, 12, kOc},
    {"Lima", -12.0F, -77.0F, 10, kSa},
    {"Oslo", 59.9F, 10.8F, 10, kEu},
    {"Budapest", 47.5F, 19.0F, 10, kEu},
    {"Lisbon", 38.7F, -9.1F, 10, kEu},
    {"Athens", 38.0F, 23.7F, 10, kEu},
    {"Karachi", 24.9F, 67.0F, 10, kAs},
    {"Phoenix", 33.4F, -112.1F, 10, kNa},
    {"Brisbane", -27.5F, 153.0F, 8, kOc},
    {"Perth", -31.9F, 115.9F, 6, kOc},
    {"Accra", 5.6F, -0.2F, 8, kAf},
    {"Cape Town", -33.9F, 18.4F, 8, kAf},
    {"Almaty", 43.2F, 76.9F, 8, kAs},
    {"Tel Aviv", 32.1F, 34.8F, 8, kAs},
};

constexpr double kEarthKm = 6371.0;
constexpr double kFibreKmPerMs = 204.0;
constexpr double kDetour = 1.2;  // cables against great circles
constexpr std::uint32_t kAcrossTownNs = 150'000;

double kilometres(const City& a, const City& b) {
  const auto radians = [](float degrees) { return static_cast<double>(degrees) * M_PI / 180.0; };
  const double up = std::sin((radians(b.latitude) - radians(a.latitude)) / 2);
  const double along = std::sin((radians(b.longitude) - radians(a.longitude)) / 2);
  const double chord =
      up * up + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * along * along;
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(1.0, chord)));
}

}  // namespace

std::span<const City> cities() noexcept { return kCities; }

Distances::Distances() : count_(std::size(kCities)) {
  delays_.reserve(count_ * count_);
  for (const City& from : kCities) {
    for (const City& to : kCities) {
      // To the microsecond: the last bits of sin() may differ between C libraries.
      const double microseconds = kilometres(from, to) * kDetour / kFibreKmPerMs * 1000.0;
      delays_.push_back(kAcrossTownNs + static_cast<std::uint32_t>(microseconds) * 1000U);
    }
  }
}

}  // namespace backsight::sim
