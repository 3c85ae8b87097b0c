// A reverse path as JSON: the one form of the API, the journal and the archive (table revtr1,
// ../../docs/archive.md). M-Lab's fields by M-Lab's names, then ours.
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

#include "config/error.h"
#include "controller/annotation/annotation.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

[[nodiscard]] std::string to_json(const ReversePath& path, const Annotation& annotation);
void append_json(std::string& out, const ReversePath& path, const Annotation& annotation);

// Reads it back; what the annotation gave is not read. Unknown keys are passed.
[[nodiscard]] Expected<ReversePath> parse_path(std::string_view json);

}  // namespace backsight::controller
