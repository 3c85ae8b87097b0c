#include "config/enrolment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <queue>

#include "config/deny_list.h"
#include "config/reading/address_text.h"
#include "config/reading/keys_reader.h"

namespace backsight::config {
namespace {

using Clause = std::optional<std::string>;
using Kind = YamlNode::Kind;

constexpr std::string_view kAddressWanted = "an address or a prefix";
constexpr std::string_view kAddressExample = "198.51.100.7 or 198.51.100.0/24";

// The file itself holds one list, which is read item by item.
struct ListKeys {};

Clause set_address(Enrolled& entry, std::string_view text) {
  const auto prefix = read_prefix(text);
  if (!prefix) {
    return prefix.error();
  }
  static const PrefixSet no_hosts(never_unicast());
  if (no_hosts.overlaps(*prefix)) {
    return in_quotes(text) + " covers addresses that no host has";
  }
  entry.prefix = *prefix;
  return std::nullopt;
}

std::optional<int> parse_digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    number = number * 10 + (c - '0');
  }
  return number;
}

Clause set_until(Enrolled& entry, std::string_view text) {
  namespace chrono = std::chrono;
  const bool is_shaped = text.size() == 10 && text[4] == '-' && text[7] == '-';
  const auto year = is_shaped ? parse_digits(text.substr(0, 4)) : std::nullopt;
  const auto month = is_shaped ? parse_digits(text.substr(5, 2)) : std::nullopt;
  const auto day = is_shaped ? parse_digits(text.substr(8, 2)) : std::nullopt;
  if (!year || !month || !day) {
    return in_quotes(text) + " is not a date";
  }
  const chrono::year_month_day date(chrono::year(*year),
                                    chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) {
    return in_quotes(text) + " is no day of the calendar";
  }
  const chrono::sys_days end = chrono::sys_days(date) + chrono::days(1);
  entry.expires = chrono::duration_cast<chrono::seconds>(end.time_since_epoch()).count();
  return std::nullopt;
}

std::span<const Key<Enrolled>> entry_keys() {
  const auto nothing = [](const Enrolled&) { return std::string{}; };
  static const std::vector<Key<Enrolled>> keys{
      {.name = "address",
       .wanted = kAddressWanted,
       .example = kAddressExample,
       .meaning = "whose owner consented",
       .is_required = true,
       .access = single<Enrolled>("address or prefix", set_address, nothing)},
      {.name = "until",
       .wanted = "the last day of consent as YYYY-MM-DD",
       .example = "2027-01-31",
       .meaning = "the last day, UTC",
       .absent = "no end",
       .access = single<Enrolled>("YYYY-MM-DD", set_until, nothing)},
      {.name = "note",
       .wanted = "words",
       .example = "\"agreed by mail\"",
       .meaning = "for people",
       .absent = "none",
       .access = single<Enrolled>(
           "text", [](Enrolled&, std::string_view) { return Clause{}; }, nothing)},
  };
  return keys;
}

std::span<const Key<ListKeys>> list_keys() {
  static const std::vector<Key<ListKeys>> keys{
      {.name = "enrolled",
       .wanted = "a list of addresses or prefixes",
       .example = "\"- 198.51.100.7\"",
       .is_required = true,
       .is_group = true},
  };
  return keys;
}

Enrolled read_entry(const YamlNode& item, std::size_t index, std::string_view file_name,
                    Faults& faults) {
  Enrolled entry;
  FaultSink whole(file_name, "", faults);
  const std::string key = fmt::format("enrolled.{}", index);
  if (item.kind == Kind::kMap) {
    FaultSink sink(file_name, key + '.', faults);
    KeysReader<Enrolled>(entry_keys(), sink).read(item, entry);
    return entry;
  }
  const Clause clause =
      item.kind == Kind::kText ? set_address(entry, item.text) : Clause{"is no address"};
  if (clause) {
    whole.add(item.line, key,
              fmt::format("{}; write {}, such as {}", *clause, kAddressWanted, kAddressExample));
  }
  return entry;
}

// The address after the last of a prefix; widened, as that may be 2^32.
std::uint64_t end_of(probes::Ipv4Prefix prefix) {
  return std::uint64_t{prefix.base.value | ~prefix.mask()} + 1;
}

// Every address where an entry begins or has ended, once each, in order.
std::vector<std::uint64_t> edges_of(std::span<const Enrolled> entries) {
  std::vector<std::uint64_t> edges;
  for (const Enrolled& entry : entries) {
    edges.push_back(entry.prefix.base.value);
    edges.push_back(end_of(entry.prefix));
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

}  // namespace

// Sweeps over the starts and ends of all entries. At any address the entry that expires last
// decides; a heap of the entries that have begun keeps it on top, ended ones are dropped when they
// surface.
Enrolment::Enrolment(std::span<const Enrolled> entries) {
  const auto expires_sooner = [](const Enrolled& a, const Enrolled& b) {
    return a.expires < b.expires;
  };
  std::vector<Enrolled> sorted(entries.begin(), entries.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Enrolled& a, const Enrolled& b) { return a.prefix.base < b.prefix.base; });
  const std::vector<std::uint64_t> edges = edges_of(sorted);
  std::priority_queue<Enrolled, std::vector<Enrolled>, decltype(expires_sooner)> begun(
      expires_sooner);
  auto next = sorted.begin();
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    for (; next != sorted.end() && next->prefix.base.value == edges[i]; ++next) {
      begun.push(*next);
    }
    while (!begun.empty() && end_of(begun.top().prefix) <= edges[i]) {
      begun.pop();
    }
    if (!begun.empty()) {
      append({static_cast<std::uint32_t>(edges[i]), static_cast<std::uint32_t>(edges[i + 1] - 1),
              begun.top().expires});
    }
  }
}

void Enrolment::append(const Range& range) {
  const bool continues_last = !ranges_.empty() && ranges_.back().expires == range.expires &&
                              std::uint64_t{ranges_.back().last} + 1 == range.first;
  if (continues_last) {
    ranges_.back().last = range.last;
  } else {
    ranges_.push_back(range);
  }
}

bool Enrolment::allows(probes::Ipv4Addr source, std::int64_t now) const noexcept {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), source.value,
                       [](std::uint32_t value, const Range& range) { return value < range.first; });
  if (after == ranges_.begin()) {
    return false;
  }
  const Range& range = *std::prev(after);
  return source.value <= range.last && now < range.expires;
}

tl::expected<Enrolment, Faults> parse_enrolment(const std::string& text,
                                                std::string_view file_name) {
  const auto root = parse_yaml(text, file_name);
  if (!root) {
    return tl::unexpected(root.error());
  }
  Faults faults;
  FaultSink sink(file_name, "", faults);
  KeysReader<ListKeys> reader(list_keys(), sink);
  ListKeys none;
  reader.read(*root, none);
  std::vector<Enrolled> entries;
  if (const YamlNode* const list = reader.node("enrolled")) {
    if (list->kind == Kind::kText || list->kind == Kind::kMap) {
      reader.refuse("enrolled", "is not a list");
    }
    for (std::size_t i = 0; list->kind == Kind::kList && i < list->children.size(); ++i) {
      entries.push_back(read_entry(list->children[i], i, file_name, faults));
    }
  }
  if (!faults.empty()) {
    sort_by_place(faults);
    return tl::unexpected(std::move(faults));
  }
  return Enrolment(entries);
}

tl::expected<Enrolment, Faults> load_enrolment(const std::filesystem::path& file) {
  if (file.empty()) {
    return Enrolment{};
  }
  const auto text = read_text_file(file);
  if (!text) {
    return tl::unexpected(Faults{text.error()});
  }
  return parse_enrolment(*text, file.string());
}

}  // namespace backsight::config
