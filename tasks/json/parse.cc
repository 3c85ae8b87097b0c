// Task lines to tasks. The only file that knows the JSON library.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "probes/identity/identity.h"
#include "tasks/json/json.h"
#include "tasks/numbers.h"

namespace backsight::tasks {

namespace {

using Json = nlohmann::json;
using Fault = std::optional<std::string>;
using probes::Kind;

constexpr std::string_view kKeys =
    "id, kind, dst, src, timeout_ms, ttl, flow, ts, ts_addresses, method, first_ttl, max_ttl, "
    "attempts, gap_limit, loop_limit";

// Text as it stands in a sentence: cut, so that a hostile line cannot flood the log.
std::string shown(const Json& value) {
  constexpr std::size_t kMost = 40;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

template <typename Number>
Fault read_number(const std::string& key, const Json& value, Number& out, std::uint64_t least,
                  std::uint64_t most) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number >= least && number <= most) {
      out = static_cast<Number>(number);
      return std::nullopt;
    }
  }
  return fmt::format("{} is {}; it must be a whole number, {}..{}", key, shown(value), least, most);
}

Fault read_address(const std::string& key, const Json& value, probes::Ipv4Addr& out) {
  if (value.is_string()) {
    if (const auto address = probes::parse_ipv4(value.get_ref<const std::string&>())) {
      out = *address;
      return std::nullopt;
    }
  }
  return fmt::format("{} is {}; it must be an IPv4 address such as \"198.51.100.7\"", key,
                     shown(value));
}

template <typename Enum, typename Parse>
Fault read_word(const std::string& key, const Json& value, Enum& out, Parse parse,
                std::string (*choice)()) {
  if (value.is_string()) {
    if (const auto word = parse(value.get_ref<const std::string&>())) {
      out = *word;
      return std::nullopt;
    }
  }
  return fmt::format("{} is {}; it must be {}", key, shown(value), choice());
}

Fault read_source(const Json& value, Task& task) {
  if (auto fault = read_address("src", value, task.src)) return fault;
  if (!task.src.is_unspecified()) return std::nullopt;
  return "src is 0.0.0.0; leave it out to send from the port's own address";
}

Fault read_timestamp_addresses(const Json& value, Task& task) {
  if (!value.is_array() || value.empty() || value.size() > task.prespecified.size()) {
    return fmt::format("ts_addresses is {}; it must be a list of 1 to {} addresses", shown(value),
                       task.prespecified.size());
  }
  for (const Json& address : value) {
    auto& slot = task.prespecified[task.prespecified_count];
    if (auto fault = read_address("ts_addresses", address, slot)) return fault;
    ++task.prespecified_count;
  }
  return std::nullopt;
}

// Keys that every kind has, but for numbers.
std::optional<Fault> read_common(const std::string& key, const Json& value, Task& task) {
  if (key == "id") return read_number(key, value, task.id, 0, probes::kMaxProbeNumber);
  if (key == "kind") {
    return read_word(key, value, task.kind, probes::parse_kind, probes::choice_of_kinds);
  }
  if (key == "dst") return read_address(key, value, task.dst);
  if (key == "src") return read_source(value, task);
  return std::nullopt;
}

// Keys of one kind alone, but for numbers; `owner` is that kind.
std::optional<Fault> read_special(const std::string& key, const Json& value, Task& task,
                                  Kind& owner) {
  owner = Kind::kTimestamp;
  if (key == "ts") {
    return read_word(key, value, task.timestamp, probes::parse_timestamp_type,
                     probes::choice_of_timestamp_types);
  }
  if (key == "ts_addresses") return read_timestamp_addresses(value, task);
  owner = Kind::kTrace;
  if (key == "method") {
    return read_word(key, value, task.method, probes::parse_trace_method,
                     probes::choice_of_methods);
  }
  return std::nullopt;
}

// Keys of tasks/numbers.h; `owner` is the kind that alone has it, if there is one.
std::optional<Fault> read_listed_number(const std::string& key, const Json& value, Task& task,
                                        Kind& owner) {
  std::optional<Fault> fault;
  for_each_number([&](const Number& it, auto member) {
    if (it.key != key) return;
    owner = it.kind.value_or(task.kind);
    fault = read_number(key, value, task.*member, it.least, it.most);
  });
  return fault;
}

Fault read_members(const Json& object, Task& task) {
  for (const char* key : {"id", "kind", "dst"}) {
    if (!object.contains(key)) return fmt::format("{} is missing", key);
  }
  if (auto fault = read_common("kind", object["kind"], task)) {
    if (*fault) return *fault;
  }
  for (const auto& [key, value] : object.items()) {
    Kind owner = task.kind;
    auto fault = read_common(key, value, task);
    if (!fault) fault = read_listed_number(key, value, task, owner);
    if (!fault) fault = read_special(key, value, task, owner);
    if (!fault) return fmt::format("unknown key {}; the keys are {}", shown(Json(key)), kKeys);
    if (owner != task.kind) {
      return fmt::format("{} goes with kind {}, not {}", key, probes::name(owner),
                         probes::name(task.kind));
    }
    if (*fault) return *fault;
  }
  return task_fault(task);
}

// The key that stands twice in the object, or nothing.
struct DuplicateWatch {
  std::set<std::string> seen;
  Fault duplicate;

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1) {
      auto name = parsed.get<std::string>();
      if (!seen.insert(name).second) duplicate = std::move(name);
    }
    return true;
  }
};

Fault parse_object(std::string_view line, Json& object) {
  DuplicateWatch watch;
  try {
    object = Json::parse(line.begin(), line.end(), std::ref(watch));
  } catch (const Json::parse_error& error) {
    return fmt::format("not JSON from column {} on", error.byte);
  } catch (const Json::exception&) {
    return "not JSON: a number is beyond all ranges";
  }
  if (!object.is_object()) {
    return R"(not a task; it must be an object such as {"id":17,"kind":"rr","dst":"198.51.100.7"})";
  }
  if (watch.duplicate) return fmt::format("key {} stands twice", shown(Json(*watch.duplicate)));
  return std::nullopt;
}

}  // namespace

tl::expected<Task, TaskLineFault> parse_task_line(std::string_view line) {
  Json object;
  TaskLineFault answer;
  if (auto fault = parse_object(line, object)) {
    answer.sentence = std::move(*fault);
    return tl::unexpected(std::move(answer));
  }
  if (object.contains("id")) {
    answer.has_id = !read_number("id", object["id"], answer.id, 0, probes::kMaxProbeNumber);
  }
  Task task;
  if (auto fault = read_members(object, task)) {
    answer.sentence = std::move(*fault);
    return tl::unexpected(std::move(answer));
  }
  return task;
}

}  // namespace backsight::tasks
