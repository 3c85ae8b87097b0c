#include "controller/json/annotation_json.h"

#include "controller/json/utf8.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

namespace {

using tasks::JsonText;

void write_location(JsonText& json, const Location& location) {
  if (!location.city.empty()) json.text("city", as_utf8(location.city));
  if (!location.country.empty()) json.text("country", as_utf8(location.country));
  if (location.has_coordinates) {
    json.real("lat", location.latitude_degrees);
    json.real("lng", location.longitude_degrees);
  }
}

}  // namespace

void write_known_address(JsonText& json, std::string_view key, probes::Ipv4Addr address) {
  json.key(key);
  if (address.is_unspecified()) {
    json.null();
  } else {
    json.address(address);
  }
}

void write_annotation(JsonText& json, probes::Ipv4Addr address, const Annotation& annotation) {
  const bool is_known = !probes::names_nobody(address);
  const auto origin = is_known && annotation.prefixes != nullptr
                          ? annotation.prefixes->find(address)
                          : std::nullopt;
  json.key("cidr");
  origin ? json.text(probes::to_string(origin->prefix)) : json.null();
  json.key("asn");
  origin ? json.number(origin->asn) : json.null();
  json.key("geolocation_ipinfo");
  json.open('{');
  if (is_known && annotation.locations != nullptr) {
    if (const auto location = annotation.locations->find(address)) write_location(json, *location);
  }
  json.close('}');
}

}  // namespace backsight::controller
