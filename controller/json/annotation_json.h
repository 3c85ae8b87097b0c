// What is known of an address, as members of a JSON object that is open.
#pragma once

#include <string_view>

#include "controller/annotation/annotation.h"
#include "probes/ip/address.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

// null when the address is unspecified.
void write_known_address(tasks::JsonText& json, std::string_view key, probes::Ipv4Addr address);

// "cidr", "asn" and "geolocation_ipinfo"; null, null and {} when not known.
void write_annotation(tasks::JsonText& json, probes::Ipv4Addr address,
                      const Annotation& annotation);

}  // namespace backsight::controller
