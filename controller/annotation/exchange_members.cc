#include "controller/annotation/exchange_members.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <optional>
#include <string_view>

#include "controller/annotation/complaints.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr std::string_view kWanted =
    "it should be what PeeringDB answers for netixlan, an object with an array \"data\" of objects "
    "with \"ipaddr4\" and \"asn\"";

Expected<std::string> read_whole(const std::filesystem::path& path) {
  auto file = PackedFile::open(path);
  if (!file) return tl::unexpected(file.error());
  std::string text;
  constexpr std::size_t kStep = std::size_t{1} << 20;
  while (true) {
    const std::size_t have = text.size();
    text.resize(have + kStep);
    const auto read = file->read({text.data() + have, kStep});
    if (!read) return tl::unexpected(read.error());
    text.resize(have + *read);
    if (*read < kStep) return text;
    if (text.size() > kMostBytes) {
      return bad_usage(fmt::format("{}: is longer than 256 MiB; {}", path.string(), kWanted));
    }
  }
}

// Nothing for a row without an IPv4 address.
tl::expected<std::optional<Origin>, std::string> parse_row(element row) {
  element address;
  if (row.at_key("ipaddr4").get(address) || address.is_null()) {
    if (!row.is_object()) return tl::unexpected<std::string>("is no object");
    return std::nullopt;
  }
  std::string_view text;
  Origin member;
  const auto parsed = address.get(text) ? std::nullopt : probes::parse_ipv4(text);
  if (!parsed) return tl::unexpected<std::string>("\"ipaddr4\" is no IPv4 address");
  member.prefix = {*parsed, 32};
  std::uint64_t asn = 0;
  if (row.at_key("asn").get(asn) || asn == 0 || asn > std::numeric_limits<std::uint32_t>::max()) {
    return tl::unexpected<std::string>("\"asn\" is no AS number");
  }
  member.asn = static_cast<std::uint32_t>(asn);
  return member;
}

}  // namespace

Expected<ExchangeMembers> read_exchange_members(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text) return tl::unexpected(text.error());
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(*text).get(root)) {
    return bad_usage(fmt::format("{}: is no JSON ({}); {}", file.string(),
                                 simdjson::error_message(error), kWanted));
  }
  array rows;
  if (root.at_key("data").get(rows)) {
    return bad_usage(fmt::format("{}: has no array \"data\"; {}", file.string(), kWanted));
  }
  Complaints complaints(file.string(), "row");
  ExchangeMembers read;
  std::uint64_t number = 0;
  for (const element row : rows) {
    ++number;
    const auto member = parse_row(row);
    if (!member) {
      complaints.add(number, member.error());
    } else if (*member) {
      read.members.push_back(**member);
    }
  }
  read.complaints = complaints.take();
  if (read.members.empty()) {
    return bad_usage(read.complaints.empty()
                         ? fmt::format("{}: holds no IPv4 address; {}", file.string(), kWanted)
                         : fmt::format("{} (and no row is better)", read.complaints.front()));
  }
  return read;
}

}  // namespace backsight::controller
