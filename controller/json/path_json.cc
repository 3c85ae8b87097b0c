#include "controller/json/path_json.h"

#include "controller/json/annotation_json.h"
#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using tasks::JsonText;

void write_hop(JsonText& json, std::size_t number, const ReverseHop& hop,
               const Annotation& annotation) {
  json.open('{');
  json.number("hop_number", number);
  write_known_address(json, "hop_ip", hop.address);
  json.number("hop_type", static_cast<std::uint64_t>(hop.type));
  json.number("measurement_id", hop.measurement_id);
  json.number("rtt", hop.rtt_us);
  json.number("rtt_measurement_id", hop.rtt_measurement_id);
  write_annotation(json, hop.address, annotation);
  json.boolean("from_cache", hop.is_from_cache);
  json.number("uncertain_group", hop.uncertain_group);
  json.number("branch", hop.branch);
  json.close('}');
}

void write_mlab_fields(JsonText& json, const ReversePath& path, const Annotation& annotation) {
  json.number("id", path.id);
  json.number("revtr_id", path.id);
  json.address("src", path.src);
  json.address("dst", path.dst);
  json.number("date", path.started_unix_us / 1'000'000);
  json.number("runtime", path.runtime_us);
  json.text("stop_reason", name(path.stop_reason));
  json.text("fail_reason", name(path.fail_reason));
  json.text("label", as_utf8(path.label));
  json.text("uuid", as_utf8(path.uuid));
  json.boolean("is_try_from_destination_AS", path.is_try_from_destination_as);
  json.key("ids_revtr_from_destination_AS");
  json.open('[');
  for (const std::uint64_t id : path.ids_from_destination_as) json.number(id);
  json.close(']');
  json.key("revtr_hops");
  json.open('[');
  for (std::size_t i = 0; i < path.hops.size(); ++i) write_hop(json, i, path.hops[i], annotation);
  json.close(']');
}

// As RevTr 2.0 names them; it has one name for both ways to assume symmetry.
std::string_view revtr_name(HopType type) {
  switch (type) {
    case HopType::kDestination:
      return "DST_REV_SEGMENT";
    case HopType::kAtlasTraceroute:
      return "TR_TO_SRC_REV_SEGMENT";
    case HopType::kAtlasRecordRoute:
      return "TR_TO_SRC_REV_SEGMENT_BETWEEN";
    case HopType::kRecordRoute:
      return "RR_REV_SEGMENT";
    case HopType::kSpoofedRecordRoute:
      return "SPOOF_RR_REV_SEGMENT";
    case HopType::kSymmetryWithinAs:
    case HopType::kSymmetryAcrossAses:
      break;
  }
  return "DST_SYM_REV_SEGMENT";
}

}  // namespace

std::string to_json(const ReversePath& path, const Annotation& annotation) {
  std::string out;
  JsonText json(out);
  json.open('{');
  write_mlab_fields(json, path, annotation);
  json.number("batch", path.batch);
  json.number("started_us", path.started_unix_us);
  json.text("fail_detail", as_utf8(path.fail_detail));
  json.boolean("from_cache", path.is_from_cache);
  json.number("forward_traceroute_id", path.forward_traceroute_id);
  json.number("probes", path.probes);
  json.close('}');
  return out;
}

std::string to_listed_json(const ReversePath& path, const Annotation& annotation) {
  std::string out;
  JsonText json(out);
  json.open('{');
  json.text("status", path.fail_reason == FailReason::kCancelled ? "CANCELED" : "COMPLETED");
  json.text("stopReason", name(path.stop_reason));
  json.key("path");
  json.open('[');
  for (const ReverseHop& hop : path.hops) {
    json.open('{');
    json.address("hop", hop.address);
    json.text("type", revtr_name(hop.type));
    json.close('}');
  }
  json.close(']');
  std::string fields = to_json(path, annotation);
  fields.front() = ',';  // its last brace closes ours
  return out + fields;
}

// Before the end of "path" there are only words, addresses and names of ours: the first bracket
// that closes is its end.
std::string fields_of(std::string_view listed) {
  const std::size_t end = listed.find("],");
  return end == listed.npos ? std::string() : '{' + std::string(listed.substr(end + 2));
}

}  // namespace backsight::controller
