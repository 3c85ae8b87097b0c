#include "controller/annotation/prefix_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "config/reading/text_file.h"
#include "controller/annotation/complaints.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

namespace {

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

// The first AS of "64500", "64500_64501" or "64500,64501".
bool parse_as(std::string_view text, std::uint32_t& asn) {
  return parse_number(text.substr(0, text.find_first_of("_,")), asn) && asn != 0;
}

tl::expected<Origin, std::string> parse_row(std::string_view line) {
  std::string_view rest = line;
  const std::string_view base = take_word(rest);
  const std::string_view length = take_word(rest);
  const std::string_view as = take_word(rest);
  Origin origin;
  const auto address = probes::parse_ipv4(base);
  if (!address) {
    if (std::count(base.begin(), base.end(), ':') >= 2) {
      return tl::unexpected<std::string>("an IPv6 prefix; only IPv4 ones are used");
    }
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
  if (!parse_as(as, origin.asn)) {
    return tl::unexpected(
        fmt::format("{} is no AS number; write one, such as 64500, or several, "
                    "such as 64500_64501",
                    config::in_quotes(as)));
  }
  return origin;
}

}  // namespace

Expected<PrefixTable::Read> PrefixTable::read(const std::filesystem::path& file) {
  auto lines = PackedLines::open(file);
  if (!lines) return tl::unexpected(lines.error());
  Complaints complaints(file.string(), "line");
  std::vector<Origin> origins;
  while (true) {
    const auto line = lines->next();
    if (!line) return tl::unexpected(line.error());
    if (!line->has_value()) break;
    const std::string_view row = config::trimmed((*line)->substr(0, (*line)->find('#')));
    if (row.empty()) continue;
    auto origin = parse_row(row);
    if (origin) {
      origins.push_back(*origin);
    } else {
      complaints.add(lines->number(), origin.error());
    }
  }
  if (origins.empty()) {
    const auto told = complaints.take();
    return bad_usage(told.empty()
                         ? fmt::format("{}: holds no prefix; it should be a prefix-to-AS file of "
                                       "CAIDA, lines of prefix, length and AS",
                                       file.string())
                         : fmt::format("{} (and no line is better)", told.front()));
  }
  return Read{of(std::move(origins)), complaints.take()};
}

PrefixTable PrefixTable::of(std::vector<Origin> origins) {
  PrefixTable table;
  table.origins_ = std::move(origins);
  auto& all = table.origins_;
  std::stable_sort(all.begin(), all.end(),
                   [](const Origin& a, const Origin& b) { return a.prefix < b.prefix; });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Origin& a, const Origin& b) { return a.prefix == b.prefix; }),
            all.end());
  if (all.empty()) return table;

  // Prefixes that hold the address where the sweep stands, the longest last.
  std::vector<std::int32_t> open;
  const auto after = [&all](std::int32_t origin) {
    const probes::Ipv4Prefix& prefix = all[static_cast<std::size_t>(origin)].prefix;
    return std::uint64_t{prefix.base.value | ~prefix.mask()} + 1;
  };
  const auto close_until = [&](std::uint64_t address) {
    while (!open.empty() && after(open.back()) <= address) {
      const std::uint64_t end = after(open.back());
      open.pop_back();
      table.add_range(end, open.empty() ? -1 : open.back());
    }
  };
  table.add_range(0, -1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    close_until(all[i].prefix.base.value);
    open.push_back(static_cast<std::int32_t>(i));
    table.add_range(all[i].prefix.base.value, open.back());
  }
  close_until(std::uint64_t{1} << 32);
  table.index_halves();
  return table;
}

PrefixTable PrefixTable::with(const std::vector<Origin>& more) const {
  std::vector<Origin> all = origins_;
  all.insert(all.end(), more.begin(), more.end());
  return of(std::move(all));
}

// The range before ends here. One that holds nothing is replaced.
void PrefixTable::add_range(std::uint64_t first, std::int32_t origin) {
  if (first > 0xffffffffU) return;
  if (!first_.empty() && first_.back() == first) {
    origin_.back() = origin;
    return;
  }
  first_.push_back(static_cast<std::uint32_t>(first));
  origin_.push_back(origin);
}

void PrefixTable::index_halves() {
  half_.resize(kHalves + 1);
  std::uint32_t range = 0;
  for (std::size_t half = 0; half < kHalves; ++half) {
    while (range + 1 < first_.size() && first_[range + 1] <= half << 16) ++range;
    half_[half] = range;
  }
  half_[kHalves] = static_cast<std::uint32_t>(first_.size() - 1);
}

std::int32_t PrefixTable::origin_of(std::uint32_t address) const noexcept {
  if (first_.empty()) return -1;
  const std::size_t half = address >> 16;
  const std::uint32_t* begin = first_.data() + half_[half];
  const std::uint32_t* end = first_.data() + half_[half + 1] + 1;
  const std::uint32_t* next = std::upper_bound(begin, end, address);
  return origin_[static_cast<std::size_t>(next - first_.data()) - 1];
}

std::optional<Origin> PrefixTable::find(probes::Ipv4Addr address) const noexcept {
  const std::int32_t origin = origin_of(address.value);
  if (origin < 0) return std::nullopt;
  return origins_[static_cast<std::size_t>(origin)];
}

std::uint32_t PrefixTable::asn(probes::Ipv4Addr address) const noexcept {
  const std::int32_t origin = origin_of(address.value);
  return origin < 0 ? 0 : origins_[static_cast<std::size_t>(origin)].asn;
}

}  // namespace backsight::controller
