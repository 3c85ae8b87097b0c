#include "controller/api/listings.h"

#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;

void flag(tasks::JsonText& json, std::string_view word, bool value) {
  json.key(word);
  json.boolean(value);
}

void write(tasks::JsonText& json, const SourceInfo& source) {
  json.open('{');
  json.text("hostname", source.name);
  json.text("site", source.name);
  json.address("ip", source.address);
  flag(json, "ready", source.is_ready);
  json.text("why_not", as_utf8(source.why_not));
  json.key("atlas");
  json.open('{');
  json.number("traceroutes", source.atlas_traceroutes);
  json.number("hops", source.atlas_hops);
  json.number("oldest", source.atlas_oldest_unix_us / kSecondUs);
  json.close('}');
  json.close('}');
}

void write(tasks::JsonText& json, const VantagePointInfo& vp) {
  json.open('{');
  json.text("name", vp.name);
  json.address("ip", vp.address);
  json.key("asn");
  vp.asn == 0 ? json.null() : json.number(vp.asn);
  json.text("state", vp.state);
  json.text("why", as_utf8(vp.why));
  json.key("can");
  json.open('{');
  flag(json, "ping", vp.can_ping);
  flag(json, "record_route", vp.can_record_route);
  flag(json, "timestamp", vp.can_timestamp);
  flag(json, "trace", vp.can_trace);
  flag(json, "spoof", vp.can_spoof);
  flag(json, "receive_spoofed", vp.receives_spoofed);
  json.close('}');
  json.number("last_heard", vp.last_heard_unix_us / kSecondUs);
  json.number("probes_under_way", vp.probes_under_way);
  json.close('}');
}

template <typename Item>
ApiReply list(std::string_view word, const std::vector<Item>& items) {
  ApiReply reply;
  tasks::JsonText json(reply.body);
  json.open('{');
  json.key(word);
  json.open('[');
  for (const Item& item : items) write(json, item);
  json.close(']');
  json.close('}');
  return reply;
}

}  // namespace

ApiReply list_sources(const Service& service) { return list("srcs", service.sources()); }

ApiReply list_vantage_points(const Service& service) {
  return list("vantage_points", service.vantage_points());
}

}  // namespace backsight::controller
