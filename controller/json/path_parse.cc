// Reads a reverse path back from JSON.
#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <limits>
#include <optional>

#include "controller/json/path_json.h"

namespace backsight::controller {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// Reads keys one after the other; remembers the first that is wrong. A key that is not there leaves
// its value as it is.
class Fields {
 public:
  Fields(object from, std::string& fault) : from_(from), fault_(fault) {}

  template <typename Number>
  void number(std::string_view key, Number& value) {
    element found;
    if (!find(key, found)) return;
    std::uint64_t number = 0;
    if (found.get(number) || number > std::numeric_limits<Number>::max()) {
      return refuse(key, "a whole number in its range");
    }
    value = static_cast<Number>(number);
  }
  void boolean(std::string_view key, bool& value) {
    element found;
    if (find(key, found) && found.get(value)) refuse(key, "true or false");
  }
  void text(std::string_view key, std::string& value) {
    element found;
    std::string_view text;
    if (!find(key, found)) return;
    if (found.get(text)) return refuse(key, "a text");
    value = text;
  }
  // null: unspecified.
  void address(std::string_view key, Ipv4Addr& value) {
    element found;
    if (!find(key, found) || found.is_null()) return;
    std::string_view text;
    const auto address = found.get(text) ? std::nullopt : probes::parse_ipv4(text);
    if (!address) return refuse(key, "an IPv4 address");
    value = *address;
  }
  // One of the enumerators, by its name.
  template <typename Enum, std::size_t Count>
  void word(std::string_view key, const std::array<Enum, Count>& all, Enum& value) {
    std::string word(name(value));
    text(key, word);
    for (const Enum one : all) {
      if (name(one) == word) {
        value = one;
        return;
      }
    }
    refuse(key, "one of its words");
  }
  template <typename Each>
  void list(std::string_view key, Each each) {
    element found;
    simdjson::dom::array list;
    if (!find(key, found)) return;
    if (found.get(list)) return refuse(key, "a list");
    for (const element one : list) each(one);
  }

  void refuse(std::string_view key, std::string_view wanted) {
    if (fault_.empty()) fault_ = fmt::format("{} is not {}", key, wanted);
  }

 private:
  [[nodiscard]] bool find(std::string_view key, element& found) {
    return !from_.at_key(key).get(found);
  }

  object from_;
  std::string& fault_;
};

constexpr std::array kStopReasons = {StopReason::kReaches, StopReason::kFailed};

constexpr auto kFailReasons = [] {
  std::array<FailReason, static_cast<std::size_t>(FailReason::kCount)> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<FailReason>(i);
  return all;
}();

constexpr std::array kHopTypes = {HopType::kDestination,        HopType::kAtlasTraceroute,
                                  HopType::kAtlasRecordRoute,   HopType::kRecordRoute,
                                  HopType::kSpoofedRecordRoute, HopType::kSymmetryWithinAs,
                                  HopType::kSymmetryAcrossAses};

void read_hop_type(Fields& fields, HopType& type) {
  std::uint8_t number = 0;
  fields.number("hop_type", number);
  for (const HopType one : kHopTypes) {
    if (static_cast<std::uint8_t>(one) == number) {
      type = one;
      return;
    }
  }
  fields.refuse("hop_type", "1, 3, 4, 5, 6, 11 or 12");
}

ReverseHop read_hop(element from, std::string& fault) {
  ReverseHop hop;
  object members;
  if (from.get(members)) {
    if (fault.empty()) fault = "a hop is not an object";
    return hop;
  }
  Fields fields(members, fault);
  read_hop_type(fields, hop.type);
  fields.address("hop_ip", hop.address);
  fields.number("measurement_id", hop.measurement_id);
  fields.number("rtt", hop.rtt_us);
  fields.number("rtt_measurement_id", hop.rtt_measurement_id);
  fields.boolean("from_cache", hop.is_from_cache);
  fields.number("uncertain_group", hop.uncertain_group);
  fields.number("branch", hop.branch);
  return hop;
}

void read_start(Fields& fields, ReversePath& path) {
  std::uint64_t seconds = 0;
  fields.number("date", seconds);
  if (seconds <= std::numeric_limits<std::uint64_t>::max() / 1'000'000) {
    path.started_unix_us = seconds * 1'000'000;
  }
  fields.number("started_us", path.started_unix_us);
}

ReversePath read_path(object from, std::string& fault) {
  Fields fields(from, fault);
  ReversePath path;
  fields.number("id", path.id);
  fields.number("batch", path.batch);
  fields.text("label", path.label);
  fields.text("uuid", path.uuid);
  fields.address("src", path.src);
  fields.address("dst", path.dst);
  read_start(fields, path);
  fields.number("runtime", path.runtime_us);
  fields.word("stop_reason", kStopReasons, path.stop_reason);
  fields.word("fail_reason", kFailReasons, path.fail_reason);
  fields.text("fail_detail", path.fail_detail);
  fields.boolean("from_cache", path.is_from_cache);
  fields.boolean("is_try_from_destination_AS", path.is_try_from_destination_as);
  fields.list("ids_revtr_from_destination_AS", [&](element one) {
    std::uint64_t id = 0;
    if (one.get(id)) return fields.refuse("ids_revtr_from_destination_AS", "a list of numbers");
    path.ids_from_destination_as.push_back(id);
  });
  fields.number("forward_traceroute_id", path.forward_traceroute_id);
  fields.number("probes", path.probes);
  fields.list("revtr_hops", [&](element hop) { path.hops.push_back(read_hop(hop, fault)); });
  if (path.id == 0) fields.refuse("id", "there");
  return path;
}

}  // namespace

Expected<ReversePath> parse_path(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return run_failed(fmt::format("a reverse path is no JSON: {}", simdjson::error_message(error)));
  }
  object members;
  if (document.get(members)) return run_failed("a reverse path is not a JSON object");
  std::string fault;
  ReversePath path = read_path(members, fault);
  if (!fault.empty()) return run_failed("a reverse path in JSON: " + fault);
  return path;
}

}  // namespace backsight::controller
