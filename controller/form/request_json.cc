#include "controller/form/request_json.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>

#include "controller/form/utf8.h"
#include "queue/json_text.h"

namespace backsight::controller {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kRevtrs = "revtrs";
constexpr std::size_t kMaxSourceBytes = 63;  // of a vantage point's name
constexpr std::size_t kMaxAddressBytes = 45;

// Where a key's value goes, by its place in kKeys.
enum Place : std::size_t {
  kSrc,
  kDst,
  kLabel,
  kUuid,
  kStaleness,
  kSpoofers,
  kCache,
  kRtts,
  kForward,
  kRetry,
  kBranches,
  kPlaces
};

constexpr std::array<RequestKey, kPlaces> kKeys{{
    {"src", "string", 1, kMaxSourceBytes, "", "the source: a vantage point's name or address"},
    {"dst", "string", 1, kMaxAddressBytes, "", "IPv4 address that the path is to come from"},
    {"label", "string", 0, kMaxLabelBytes, "\"\"", "yours; results can be asked for by it"},
    {"uuid", "string", 0, kMaxUuidBytes, "\"\"", "yours; comes back in the result"},
    {"staleness", "integer", 0, kMaxStalenessMinutes, "1440",
     "how old, in minutes, what is taken from caches and atlas may be"},
    {"max_spoofers", "integer", 0, kMaxSpoofers, "10",
     "vantage points tried for one hop; 0: none is spoofed for"},
    {"use_cache", "boolean", 0, 0, "true", "a finished path of the same pair may be the answer"},
    {"is_run_rtt_pings", "boolean", 0, 0, "false", "measure the round-trip time of each hop"},
    {"is_run_forward_traceroute", "boolean", 0, 0, "false", "trace the way there, too"},
    {"retry_from_destination_as", "boolean", 0, 0, "true",
     "where the destination is silent, measure from a router of its AS"},
    {"find_branches", "boolean", 0, 0, "false", "show all ways that load balancers choose from"},
}};

// RevTr's keys that have no meaning here; they are passed, whatever they say.
constexpr std::array<std::string_view, 9> kPassed{{
    "id",
    "backoff_endhost",
    "rr_vp_selection_algorithm",
    "atlas_options",
    "symmetry_options",
    "heuristics_options",
    "check_dest_based_routing_options",
    "use_timestamp",
    "is_try_from_destination_as",
}};

bool Request::*flag_at(std::size_t place) {
  switch (place) {
    case kCache:
      return &Request::use_cache;
    case kRtts:
      return &Request::ping_hops;
    case kForward:
      return &Request::forward_traceroute;
    case kRetry:
      return &Request::retry_from_destination_as;
    default:
      return &Request::find_branches;
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out + (text.size() > kShown ? "...\"" : "\"");
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// One item; gathers its faults.
class ItemReader {
 public:
  ItemReader(std::size_t item, SubmissionFaults& faults) : item_(item), faults_(faults) {}

  WrittenRequest read(object members) {
    for (const auto& [key, value] : members) take(key, value);
    for (std::size_t place = 0; place < kKeys.size(); ++place) {
      if (kKeys[place].usual.empty() && !has_[place]) {
        refuse(fmt::format("{} is missing; write {}", kKeys[place].name, kKeys[place].meaning));
      }
    }
    return std::move(written_);
  }

 private:
  void refuse(std::string sentence, SubmissionFault::Kind kind = SubmissionFault::Kind::kForm) {
    if (faults_.size() < kMaxToldFaults) faults_.push_back({kind, item_, std::move(sentence)});
  }

  void take(std::string_view key, element value) {
    const auto known = std::find_if(kKeys.begin(), kKeys.end(),
                                    [&](const RequestKey& one) { return one.name == key; });
    if (known == kKeys.end()) {
      if (std::find(kPassed.begin(), kPassed.end(), key) == kPassed.end()) {
        refuse(fmt::format("{} is no key; see /api/v1/openapi.json", shown(key)));
      }
      return;
    }
    const auto place = static_cast<std::size_t>(known - kKeys.begin());
    if (has_[place]) return refuse(fmt::format("{} stands twice", known->name));
    has_[place] = true;
    if (known->type == "string") return take_text(place, value);
    if (known->type == "integer") return take_number(place, value);
    bool flag = false;
    if (value.get(flag)) return refuse(fmt::format("{} is not true or false", known->name));
    written_.request.*flag_at(place) = flag;
  }

  void take_text(std::size_t place, element value) {
    const RequestKey& key = kKeys[place];
    std::string_view text;
    if (value.get(text)) return refuse(fmt::format("{} is not a text", key.name));
    if (text.size() < key.least || text.size() > key.most) {
      return refuse(fmt::format("{} has {} bytes; {}..{} are allowed", key.name, text.size(),
                                key.least, key.most));
    }
    if (place == kSrc) written_.src = text;
    if (place == kLabel) written_.request.label = text;
    if (place == kUuid) written_.request.uuid = text;
    if (place == kDst) take_destination(text);
  }

  void take_destination(std::string_view text) {
    if (const auto address = probes::parse_ipv4(text)) {
      written_.request.dst = *address;
    } else if (is_ipv6(text)) {
      refuse(fmt::format("dst {} is of IPv6, whose headers cannot record a route; write the IPv4 "
                         "address of the host",
                         shown(text)),
             SubmissionFault::Kind::kDestination);
    } else {
      refuse(
          fmt::format("dst {} is no IPv4 address; write one, such as 198.51.100.7", shown(text)));
    }
  }

  void take_number(std::size_t place, element value) {
    const RequestKey& key = kKeys[place];
    std::uint64_t number = 0;
    if (value.get(number) || number < key.least || number > key.most) {
      return refuse(
          fmt::format("{} is not a whole number in {}..{}", key.name, key.least, key.most));
    }
    if (place == kStaleness) {
      written_.request.staleness_minutes = static_cast<std::uint32_t>(number);
    } else {
      written_.request.max_spoofers = static_cast<std::uint8_t>(number);
    }
  }

  std::size_t item_;
  SubmissionFaults& faults_;
  WrittenRequest written_;
  std::array<bool, kPlaces> has_{};
};

tl::unexpected<SubmissionFaults> whole(std::string sentence,
                                       SubmissionFault::Kind kind = SubmissionFault::Kind::kForm) {
  return tl::unexpected(SubmissionFaults{{kind, SubmissionFault::kWhole, std::move(sentence)}});
}

// The list of a submission, whatever its items are.
tl::expected<simdjson::dom::array, SubmissionFaults> list_of(element document, std::size_t most) {
  object members;
  simdjson::dom::array list;
  bool is_found = false;
  if (document.get(members)) {
    return whole(R"(not a JSON object; write {"revtrs":[{"src":"...","dst":"..."}]})");
  }
  for (const auto& [key, value] : members) {
    if (key != kRevtrs) return whole(fmt::format("{} is no key; only revtrs is", shown(key)));
    if (is_found) return whole("revtrs stands twice");
    if (value.get(list)) return whole("revtrs is not a list");
    is_found = true;
  }
  if (!is_found || list.begin() == list.end()) {
    return whole(R"(no request; write {"revtrs":[{"src":"...","dst":"..."}]})");
  }
  const auto count = static_cast<std::size_t>(std::distance(list.begin(), list.end()));
  if (count > most) {
    return whole(fmt::format("{} requests; {} fit into one submission", count, most),
                 SubmissionFault::Kind::kTooMany);
  }
  return list;
}

void append_request(queue::JsonText& json, const Request& request) {
  const Request usual;
  const auto flag = [&](std::size_t place) {
    const bool value = request.*flag_at(place);
    if (value == usual.*flag_at(place)) return;
    json.key(kKeys[place].name);
    json.boolean(value);
  };
  json.open('{');
  json.address(kKeys[kSrc].name, request.src);
  json.address(kKeys[kDst].name, request.dst);
  if (!request.label.empty()) json.text(kKeys[kLabel].name, as_utf8(request.label));
  if (!request.uuid.empty()) json.text(kKeys[kUuid].name, as_utf8(request.uuid));
  if (request.staleness_minutes != usual.staleness_minutes) {
    json.number(kKeys[kStaleness].name, request.staleness_minutes);
  }
  if (request.max_spoofers != usual.max_spoofers) {
    json.number(kKeys[kSpoofers].name, request.max_spoofers);
  }
  for (const std::size_t place : {kCache, kRtts, kForward, kRetry, kBranches}) flag(place);
  json.close('}');
}

}  // namespace

tl::expected<std::vector<WrittenRequest>, SubmissionFaults> parse_submission(std::string_view json,
                                                                             std::size_t most) {
  simdjson::dom::parser parser;
  element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return whole(fmt::format("no JSON: {}", simdjson::error_message(error)));
  }
  const auto list = list_of(document, most);
  if (!list) return tl::unexpected(list.error());
  std::vector<WrittenRequest> requests;
  SubmissionFaults faults;
  for (const element item : *list) {
    const std::size_t index = requests.size();
    object members;
    if (item.get(members)) {
      faults.push_back({SubmissionFault::Kind::kForm, index, "not a JSON object"});
      requests.emplace_back();
    } else {
      requests.push_back(ItemReader(index, faults).read(members));
    }
    if (faults.size() >= kMaxToldFaults) break;
  }
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return requests;
}

void append_submission(std::string& out, std::span<const Request> requests) {
  queue::JsonText json(out);
  json.open('{');
  json.key(kRevtrs);
  json.open('[');
  for (const Request& request : requests) append_request(json, request);
  json.close(']');
  json.close('}');
}

std::span<const RequestKey> request_keys() { return kKeys; }

}  // namespace backsight::controller
