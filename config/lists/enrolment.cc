#include "config/lists/enrolment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <queue>

#include "config/lists/deny_list.h"
#include "config/reading/address_text.h"
#include "config/reading/keys.h"
#include "config/reading/text_file.h"
#include "config/reading/written.h"

namespace backsight::config {
namespace {

Reading<probes::Ipv4Prefix> read_hosts(std::string_view text) {
  auto prefix = read_prefix(text);
  static const PrefixSet no_hosts(never_unicast());
  if (prefix && no_hosts.overlaps(*prefix)) {
    return tl::unexpected(in_quotes(text) + " covers addresses that no host has");
  }
  return prefix;
}

std::optional<int> parse_digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

// The first second after a day.
Reading<std::int64_t> read_last_day(std::string_view text) {
  namespace chrono = std::chrono;
  const bool is_shaped = text.size() == 10 && text[4] == '-' && text[7] == '-';
  const auto year = is_shaped ? parse_digits(text.substr(0, 4)) : std::nullopt;
  const auto month = is_shaped ? parse_digits(text.substr(5, 2)) : std::nullopt;
  const auto day = is_shaped ? parse_digits(text.substr(8, 2)) : std::nullopt;
  if (!year || !month || !day) return tl::unexpected(in_quotes(text) + " is not a date");
  const chrono::year_month_day date(chrono::year(*year),
                                    chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return tl::unexpected(in_quotes(text) + " is no day of the calendar");
  const chrono::sys_days end = chrono::sys_days(date) + chrono::days(1);
  return chrono::duration_cast<chrono::seconds>(end.time_since_epoch()).count();
}

void describe(Keys& keys, Enrolled& entry) {
  keys.value("address", entry.prefix, "address or prefix", "whose owner consented", read_hosts)
      .write("an address or a prefix", "198.51.100.7 or 198.51.100.0/24")
      .required();
  keys.value("until", entry.expires, "YYYY-MM-DD", "the last day, UTC", read_last_day)
      .write("the last day of consent as YYYY-MM-DD", "2027-01-31")
      .if_absent("no end");
  const auto any = [](std::string_view) { return Clause(); };
  keys.one("note", "text", "for people", any, [] { return std::string(); })
      .write("words", "\"agreed by mail\"")
      .if_absent("none");
}

constexpr MapsRule kEntries{
    .values = "list",
    .no_map =
        "is no address; write an address or a prefix, such as 198.51.100.7 or "
        "198.51.100.0/24",
    .bare = "address"};

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
    for (; next != sorted.end() && next->prefix.base.value == edges[i]; ++next) begun.push(*next);
    while (!begun.empty() && end_of(begun.top().prefix) <= edges[i]) begun.pop();
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
  if (after == ranges_.begin()) return false;
  const Range& range = *std::prev(after);
  return source.value <= range.last && now < range.expires;
}

tl::expected<Enrolment, Faults> parse_enrolment(const std::string& text,
                                                std::string_view file_name) {
  std::vector<Enrolled> entries;
  Keys keys;
  keys.maps("enrolled", entries, kEntries, "who consented",
            [](Keys& item, Enrolled& entry) { describe(item, entry); })
      .write("a list of addresses or prefixes", "\"- 198.51.100.7\"")
      .required();
  Faults faults = read_keys(text, file_name, {}, keys);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return Enrolment(entries);
}

tl::expected<Enrolment, Faults> load_enrolment(const std::filesystem::path& file) {
  if (file.empty()) return Enrolment{};
  const auto text = read_text_file(file);
  if (!text) return tl::unexpected(Faults{text.error()});
  return parse_enrolment(*text, file.string());
}

}  // namespace backsight::config
