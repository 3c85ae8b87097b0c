#include "controller/annotation/origin_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "config/reading/text_file.h"
#include "controller/annotation/complaints.h"

namespace backsight::controller {

namespace {

using ParsedRow = tl::expected<Origin, std::string>;

constexpr std::string_view kIpv6 = "an IPv6 prefix; only IPv4 ones are used";

// Takes the text up to the next tab or blank off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  return word;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// The first AS of "64500", "64500_64501", "64500,64501" or "{64500,64501}".
bool parse_as(std::string_view text, std::uint32_t& asn) {
  if (text.starts_with('{')) text.remove_prefix(1);
  return parse_number(text.substr(0, text.find_first_of("_,}")), asn) && asn != 0;
}

bool is_ipv6(std::string_view text) { return std::count(text.begin(), text.end(), ':') >= 2; }

tl::unexpected<std::string> no_as(std::string_view text) {
  return tl::unexpected(
      fmt::format("{} is no AS number; write one, such as 64500, or several, such as 64500_64501",
                  config::in_quotes(text)));
}

// Of base, length and AS; or of base/length and AS.
ParsedRow parse_words(std::string_view line) {
  std::string_view rest = line;
  const std::string_view first = take_word(rest);
  const std::size_t slash = first.find('/');
  const std::string_view base = first.substr(0, slash);
  const std::string_view length =
      slash == std::string_view::npos ? take_word(rest) : first.substr(slash + 1);
  const std::string_view as = take_word(rest);
  Origin origin;
  const auto address = probes::parse_ipv4(base);
  if (!address) {
    if (is_ipv6(base)) return tl::unexpected(std::string(kIpv6));
    return tl::unexpected(
        fmt::format("{} is no IPv4 address; write prefix, length and AS, such as "
                    "192.0.2.0<tab>24<tab>64500",
                    config::in_quotes(base)));
  }
  origin.prefix.base = *address;
  if (!parse_number(length, origin.prefix.length) || origin.prefix.length > 32) {
    return tl::unexpected(
        fmt::format("{} is no prefix length; write 0 to 32", config::in_quotes(length)));
  }
  if ((address->value & ~origin.prefix.mask()) != 0) {
    return tl::unexpected(
        fmt::format("{}/{} has bits set behind the prefix; the prefix is {}", base, length,
                    probes::to_string(probes::Ipv4Addr{address->value & origin.prefix.mask()})));
  }
  if (origin.prefix.length < PrefixTable::kShortest) {
    return tl::unexpected(
        fmt::format("{}/{} is a default route: nobody's network is so large; prefixes of /{} and "
                    "longer are used",
                    base, length, PrefixTable::kShortest));
  }
  if (!parse_as(as, origin.asn)) return no_as(as);
  return origin;
}

// The cells of a row of CSV (RFC 4180), without the quotes around them.
std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    std::size_t end = 0;
    for (bool is_quoted = false; end < line.size(); ++end) {
      if (line[end] == '"') is_quoted = !is_quoted;
      if (line[end] == ',' && !is_quoted) break;
    }
    std::string_view cell = config::trimmed(line.substr(0, end));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') {
      cell = cell.substr(1, cell.size() - 2);
    }
    cells.push_back(cell);
    if (end == line.size()) return cells;
    line.remove_prefix(end + 1);
  }
}

// Where a row of annotations has what is wanted.
struct Columns {
  std::size_t address = 0;
  std::size_t asn = 0;
};

std::optional<Columns> columns_of(std::string_view line) {
  const auto names = cells_of(line);
  const auto address = std::ranges::find(names, "addr");
  const auto asn = std::ranges::find(names, "asn");
  if (address == names.end() || asn == names.end()) return std::nullopt;
  return Columns{static_cast<std::size_t>(address - names.begin()),
                 static_cast<std::size_t>(asn - names.begin())};
}

ParsedRow parse_cells(std::string_view line, const Columns& columns) {
  const auto cells = cells_of(line);
  if (cells.size() <= std::max(columns.address, columns.asn)) {
    return tl::unexpected<std::string>("has fewer cells than the first row");
  }
  const std::string_view text = cells[columns.address];
  const auto address = probes::parse_ipv4(text);
  if (!address) {
    if (is_ipv6(text)) return tl::unexpected(std::string(kIpv6));
    return tl::unexpected(fmt::format("{} is no IPv4 address", config::in_quotes(text)));
  }
  Origin origin{.prefix = {*address, 32}};
  if (!parse_as(cells[columns.asn], origin.asn)) return no_as(cells[columns.asn]);
  return origin;
}

}  // namespace

Expected<OriginRows> read_origin_rows(PackedFile file) {
  const std::string path = file.path();
  PackedLines lines(std::move(file));
  Complaints complaints(path, "line");
  OriginRows rows;
  std::optional<Columns> columns;
  bool is_begun = false;
  while (true) {
    const auto line = lines.next();
    if (!line) return tl::unexpected(line.error());
    if (!line->has_value()) break;
    const std::string_view row = config::trimmed((*line)->substr(0, (*line)->find_first_of("#;")));
    if (row.empty()) continue;
    if (!std::exchange(is_begun, true) && (columns = columns_of(row))) continue;
    auto origin = columns ? parse_cells(row, *columns) : parse_words(row);
    if (origin) {
      rows.origins.push_back(*origin);
    } else {
      complaints.add(lines.number(), origin.error());
    }
  }
  rows.passed = complaints.count();
  rows.complaints = complaints.take();
  if (!rows.origins.empty()) return rows;
  return bad_usage(rows.complaints.empty()
                       ? fmt::format("{}: holds no prefix; it should be a prefix-to-AS file of "
                                     "CAIDA, lines of prefix, length and AS",
                                     path)
                       : fmt::format("{} (and no line is better)", rows.complaints.front()));
}

}  // namespace backsight::controller
