// A reverse path as JSON (table revtr1, ../../docs/archive.md): M-Lab's fields by M-Lab's names,
// then ours. It is written once, when it ended; journal, API and archive pass on what was written.
//
//   {"id":7,"revtr_id":7,"src":"192.0.2.1","dst":"198.51.100.7","date":1767225600,
//    "runtime":120000,"stop_reason":"REACHES","fail_reason":"","label":"","uuid":"",
//    "is_try_from_destination_AS":false,"ids_revtr_from_destination_AS":[],
//    "revtr_hops":[{"hop_number":0,"hop_ip":"198.51.100.7","hop_type":1,"measurement_id":0,
//      "rtt":0,"rtt_measurement_id":0,"cidr":"198.51.100.0/24","asn":64500,
//      "geolocation_ipinfo":{"city":"Ghent","country":"BE","lat":51.05,"lng":3.72},
//      "from_cache":false,"uncertain_group":0,"branch":0}, ...],
//    "batch":3,"started_us":1767225600000000,"fail_detail":"","from_cache":false,
//    "forward_traceroute_id":0,"probes":14}
//
// What is not known of a hop is null, its place the empty object; numbers say so by 0.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "controller/annotation/annotation.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

[[nodiscard]] std::string to_json(const ReversePath& path, const Annotation& annotation);

// As listings show it: what programs of RevTr look for, then the same fields.
//
//   {"status":"COMPLETED","stopReason":"REACHES","path":[{"hop":"198.51.100.7",
//    "type":"DST_REV_SEGMENT"}, ...],"id":7, ...}
[[nodiscard]] std::string to_listed_json(const ReversePath& path, const Annotation& annotation);
// What to_json() wrote of the same path. REQUIRES: `listed` is of to_listed_json(); of anything
// else, nothing useful.
[[nodiscard]] std::string fields_of(std::string_view listed);

}  // namespace backsight::controller
