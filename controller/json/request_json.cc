#include "controller/json/request_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "controller/json/utf8.h"
#include "probes/ip/ip_addr.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kRevtrs = "revtrs";
constexpr std::string_view kRefused = "refused";  // of kept ones alone
constexpr std::size_t kMaxRefusedBytes = 1000;
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

// RevTr's name for the same.
constexpr std::string_view kRetryOfRevtr = "is_try_from_destination_as";

// RevTr's keys that have no meaning here; they are passed, whatever they say.
constexpr std::array<std::string_view, 8> kPassed{{
    "id",
    "backoff_endhost",
    "rr_vp_selection_algorithm",
    "atlas_options",
    "symmetry_options",
    "heuristics_options",
    "check_dest_based_routing_options",
    "use_timestamp",
}};
constexpr std::array<std::string_view, 4> kPassedOfTheWhole{{
    "auth",
    "checkDB",
    "check_db",
    "wait_until_finished",
}};

// Whether a key is this name, or its lowerCamelCase.
bool is_named(std::string_view key, std::string_view name) {
  if (key == name) return true;
  std::size_t at = 0;
  for (std::size_t i = 0; i < name.size(); ++i, ++at) {
    const bool is_upper = name[i] == '_' && i + 1 < name.size();
    if (is_upper) ++i;
    const char wanted = is_upper ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
    if (at >= key.size() || key[at] != wanted) return false;
  }
  return at == key.size();
}

std::optional<std::size_t> place_of(std::string_view key) {
  const auto known =
      std::ranges::find_if(kKeys, [&](const RequestKey& it) { return is_named(key, it.name); });
  if (known != kKeys.end()) return static_cast<std::size_t>(known - kKeys.begin());
  return is_named(key, kRetryOfRevtr) ? std::optional<std::size_t>(kRetry) : std::nullopt;
}

bool is_passed(std::string_view key, std::span<const std::string_view> passed) {
  return std::ranges::any_of(passed, [&](std::string_view name) { return is_named(key, name); });
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

// As protobuf's JSON writes whole numbers: 10, "10", 1e1, 10.0.
std::optional<std::uint64_t> whole_number(element value) {
  std::uint64_t number = 0;
  if (!value.get(number)) return number;
  double real = -1;
  std::string_view text;
  if (!value.get(text)) {
    if (const auto exact = number_in<std::uint64_t>(text)) return exact;
    real = number_in<double>(text).value_or(-1);
  } else if (value.get(real)) {
    return std::nullopt;
  }
  constexpr double kBeyond = 9007199254740992.0;  // doubles hold every whole number up to here
  if (!(real >= 0 && real < kBeyond) || std::floor(real) != real) return std::nullopt;
  return static_cast<std::uint64_t>(real);
}

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

// For people: as much of a text as they need, without what moves a cursor.
std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out;
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out + (text.size() > kShown ? "..." : "");
}

std::string shown(std::string_view text) { return '"' + excerpt(text) + '"'; }

// What reading a list of requests comes to.
class Reading {
 public:
  explicit Reading(bool is_kept) : is_kept_(is_kept) {}

  [[nodiscard]] bool is_kept() const noexcept { return is_kept_; }
  void refuse(RequestFault fault) {
    Request& request = out_.requests.at(fault.item).request;
    if (request.refused.size() + fault.sentence.size() + 2 <= kMaxRefusedBytes) {
      request.refused += (request.refused.empty() ? "" : "; ") + fault.sentence;
    }
    if (out_.faults.size() < kMaxToldFaults) out_.faults.push_back(std::move(fault));
  }
  void ignore(std::string_view key) {
    if (out_.ignored.size() >= kMaxToldKeys) return;
    std::string told = excerpt(key);
    if (std::ranges::count(out_.ignored, told) == 0) out_.ignored.push_back(std::move(told));
  }
  WrittenRequest& next() { return out_.requests.emplace_back(); }
  [[nodiscard]] std::size_t count() const noexcept { return out_.requests.size(); }
  Submission take() { return std::move(out_); }

 private:
  const bool is_kept_;  // by the journal
  Submission out_;
};

// One item.
class ItemReader {
 public:
  explicit ItemReader(Reading& reading)
      : reading_(reading), item_(reading.count()), written_(reading.next()) {}

  void read(element item) {
    object members;
    if (item.get(members)) return refuse("not a JSON object");
    for (const auto& [key, value] : members) take(key, value);
    for (std::size_t place = 0; place < kKeys.size(); ++place) {
      if (kKeys[place].usual.empty() && !has_[place]) {
        refuse(fmt::format("{} is missing; write {}", kKeys[place].name, kKeys[place].meaning));
      }
    }
  }

 private:
  void refuse(std::string sentence, RequestFault::Why why = RequestFault::Why::kForm) {
    reading_.refuse({item_, why, std::move(sentence)});
  }

  void take(std::string_view key, element value) {
    if (reading_.is_kept() && key == kRefused) return take_refusal(value);
    const auto known = place_of(key);
    if (!known) {
      if (!is_passed(key, kPassed)) reading_.ignore(key);
      return;
    }
    const std::size_t place = *known;
    if (value.is_null()) return;
    if (has_[place]) return refuse(fmt::format("{} stands twice", kKeys[place].name));
    has_[place] = true;
    if (kKeys[place].type == "string") return take_text(place, value);
    if (kKeys[place].type == "integer") return take_number(place, value);
    bool flag = false;
    if (value.get(flag)) return refuse(fmt::format("{} is not true or false", kKeys[place].name));
    written_.request.*flag_at(place) = flag;
  }

  void take_refusal(element value) {
    std::string_view text;
    if (!value.get(text)) written_.request.refused = text.substr(0, kMaxRefusedBytes);
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
    } else if (probes::parse_ip(text)) {
      refuse(fmt::format("dst {} is of IPv6, whose headers cannot record a route; write the IPv4 "
                         "address of the host",
                         shown(text)),
             RequestFault::Why::kBadDestination);
    } else {
      refuse(
          fmt::format("dst {} is no IPv4 address; write one, such as 198.51.100.7", shown(text)));
    }
  }

  void take_number(std::size_t place, element value) {
    const RequestKey& key = kKeys[place];
    const auto number = whole_number(value);
    if (!number || *number < key.least || *number > key.most) {
      return refuse(
          fmt::format("{} is not a whole number in {}..{}", key.name, key.least, key.most));
    }
    if (place == kStaleness) {
      written_.request.staleness_minutes = static_cast<std::uint32_t>(*number);
    } else {
      written_.request.max_spoofers = static_cast<std::uint8_t>(*number);
    }
  }

  Reading& reading_;
  const std::size_t item_;
  WrittenRequest& written_;
  std::array<bool, kPlaces> has_{};
};

tl::unexpected<SubmissionFault> whole(std::string sentence,
                                      SubmissionFault::Kind kind = SubmissionFault::Kind::kForm) {
  return tl::unexpected(SubmissionFault{kind, std::move(sentence)});
}

// The list of a submission, whatever its items are.
tl::expected<simdjson::dom::array, SubmissionFault> list_of(element document, std::size_t most,
                                                            Reading& reading) {
  object members;
  simdjson::dom::array list;
  bool is_found = false;
  if (document.get(members)) {
    return whole(R"(not a JSON object; write {"revtrs":[{"src":"...","dst":"..."}]})");
  }
  for (const auto& [key, value] : members) {
    if (key != kRevtrs) {
      if (!is_passed(key, kPassedOfTheWhole)) reading.ignore(key);
      continue;
    }
    if (is_found) return whole("revtrs stands twice");
    if (value.is_null()) continue;
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

tl::expected<Submission, SubmissionFault> read(std::string_view json, std::size_t most,
                                               bool is_kept) {
  simdjson::dom::parser parser;
  element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return whole(fmt::format("no JSON: {}", simdjson::error_message(error)));
  }
  Reading reading(is_kept);
  const auto list = list_of(document, most, reading);
  if (!list) return tl::unexpected(list.error());
  for (const element item : *list) ItemReader(reading).read(item);
  return reading.take();
}

void append_request(tasks::JsonText& json, const Request& request) {
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
  if (!request.refused.empty()) json.text(kRefused, as_utf8(request.refused));
  json.close('}');
}

}  // namespace

tl::expected<Submission, SubmissionFault> parse_submission(std::string_view json,
                                                           std::size_t most) {
  return read(json, most, false);
}

tl::expected<std::vector<WrittenRequest>, std::string> parse_kept(std::string_view json,
                                                                  std::size_t most) {
  auto kept = read(json, most, true);
  if (!kept) return tl::unexpected(kept.error().sentence);
  if (!kept->faults.empty()) return tl::unexpected(kept->faults.front().sentence);
  return std::move(kept->requests);
}

void append_submission(std::string& out, std::span<const Request> requests) {
  tasks::JsonText json(out);
  json.open('{');
  json.key(kRevtrs);
  json.open('[');
  for (const Request& request : requests) append_request(json, request);
  json.close(']');
  json.close('}');
}

std::span<const RequestKey> request_keys() { return kKeys; }

}  // namespace backsight::controller
