#include "config/reading/address_text.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "config/reading/text_file.h"

namespace backsight::config {
namespace {

// 0..32 without leading zeros.
std::optional<std::uint8_t> parse_length(std::string_view text) {
  unsigned length = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool has_leading_zero = text.size() > 1 && text[0] == '0';
  if (code != std::errc{} || end != text.data() + text.size() || length > 32 || has_leading_zero) {
    return std::nullopt;
  }
  return static_cast<std::uint8_t>(length);
}

}  // namespace

tl::expected<probes::Ipv4Addr, std::string> read_address(std::string_view text) {
  if (const auto address = probes::parse_ipv4(text)) return *address;
  return tl::unexpected(fmt::format("{} is no IPv4 address", in_quotes(text)));
}

tl::expected<LinkAddress, std::string> read_link_address(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = read_address(text.substr(0, slash));
  if (!address) {
    return tl::unexpected(
        slash == std::string_view::npos || text.find(':') != text.npos
            ? fmt::format("{} is no IPv4 address", in_quotes(text))
            : fmt::format("{} does not begin with an IPv4 address", in_quotes(text)));
  }
  if (slash == std::string_view::npos) return LinkAddress{*address, 32};
  const auto length = parse_length(text.substr(slash + 1));
  if (!length) {
    return tl::unexpected(
        fmt::format("{} has a prefix length that is not within 0..32", in_quotes(text)));
  }
  return LinkAddress{*address, *length};
}

tl::expected<probes::Ipv4Prefix, std::string> read_prefix(std::string_view text) {
  if (const auto prefix = probes::parse_prefix(text)) return *prefix;
  const auto link = read_link_address(text);
  if (!link) return tl::unexpected(link.error());
  probes::Ipv4Prefix meant{{}, link->prefix_length};
  meant.base.value = link->address.value & meant.mask();
  return tl::unexpected(fmt::format("{} has bits set beyond its length, {} has none",
                                    in_quotes(text), probes::to_string(meant)));
}

}  // namespace backsight::config
