#include "config/vp_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "config/deny_list.h"
#include "config/listen.h"
#include "config/reading/address_text.h"
#include "config/vp_name.h"

namespace backsight::config {
namespace {

constexpr std::string_view kOff = "off";

}  // namespace

Clause set_name(VpConfig& config, std::string_view text) {
  if (text.size() > kMaxVpNameCharacters) {
    return fmt::format("{} has {} characters", in_quotes(text), text.size());
  }
  const auto odd = std::find_if_not(text.begin(), text.end(), is_vp_name_character);
  if (odd != text.end()) {
    return fmt::format("{} holds {}", in_quotes(text), in_quotes({odd, odd + 1}));
  }
  config.name = text;
  return std::nullopt;
}

Clause set_id(VpConfig& config, std::string_view text) {
  std::uint64_t id = 0;
  auto clause = why_no_number(text, 1, 65535, id);
  if (!clause) {
    config.id = static_cast<std::uint16_t>(id);
  }
  return clause;
}

Clause set_device(PortConfig& port, std::string_view text) {
  if (text.find(' ') != text.npos) {
    return in_quotes(text) + " holds a blank";
  }
  // A bus address has a colon (PCI) or a dot (auxiliary), a virtual device its class or arguments.
  const bool is_device = text.find_first_of(":.,") != text.npos || text.starts_with("net_");
  if (!is_device) {
    return in_quotes(text) + " is no PCI address and no EAL virtual device";
  }
  port.device = text;
  return std::nullopt;
}

Clause set_address(PortConfig& port, std::string_view text) {
  const auto link = read_link_address(text);
  if (!link) {
    return link.error();
  }
  probes::Ipv4Prefix prefix{{}, link->prefix_length};
  prefix.base.value = link->address.value & prefix.mask();
  const std::uint32_t last = prefix.base.value | ~prefix.mask();
  const bool has_ends = prefix.length <= 30;  // on shorter links both are hosts (RFC 3021)
  if (PrefixSet(never_unicast()).contains(link->address) || prefix.length == 0) {
    return in_quotes(text) + " is no address of a host";
  }
  if (has_ends && link->address == prefix.base) {
    return fmt::format("{} is the network address of {}", in_quotes(text), to_string(prefix));
  }
  if (has_ends && link->address.value == last) {
    return fmt::format("{} is the broadcast address of {}", in_quotes(text), to_string(prefix));
  }
  port.address = link->address;
  port.prefix_length = link->prefix_length;
  return std::nullopt;
}

Clause set_gateway(PortConfig& port, std::string_view text) {
  const auto address = read_address(text);
  if (!address) {
    return address.error();
  }
  if (PrefixSet(never_unicast()).contains(*address)) {
    return in_quotes(text) + " is no address of a host";
  }
  port.gateway = *address;
  return std::nullopt;
}

Clause set_gateway_mac(PortConfig& port, std::string_view text) {
  const auto mac = probes::parse_mac(text);
  if (!mac) {
    return in_quotes(text) + " is no Ethernet address";
  }
  const bool is_group = (mac->bytes[0] & 1) != 0;
  if (is_group || *mac == probes::MacAddr{}) {
    return in_quotes(text) + " is no address of one station";
  }
  port.gateway_mac = *mac;
  return std::nullopt;
}

// Distinct cores; nothing is set if one is wrong.
Refusals set_workers(VpConfig& config, std::span<const std::string> texts) {
  Refusals refusals;
  std::vector<unsigned> cores;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::uint64_t core = 0;
    if (const auto clause = why_no_number(texts[i], 0, kMaxCores - 1, core)) {
      refusals.push_back({i, *clause});
      continue;
    }
    if (std::find(cores.begin(), cores.end(), core) != cores.end()) {
      refusals.push_back({i, fmt::format("core {} stands twice", core)});
    }
    cores.push_back(static_cast<unsigned>(core));
  }
  if (texts.empty()) {
    refusals.push_back({0, "is an empty list"});
  }
  if (refusals.empty()) {
    config.engine.workers = std::move(cores);
  }
  return refusals;
}

Refusals set_eal(VpConfig& config, std::span<const std::string> texts) {
  Refusals refusals;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) {
      refusals.push_back({i, "an argument is empty"});
    } else if (const auto clause = why_no_text(texts[i])) {
      refusals.push_back({i, *clause});
    }
  }
  if (refusals.empty()) {
    config.engine.eal.assign(texts.begin(), texts.end());
  }
  return refusals;
}

Clause set_inflight(VpConfig& config, std::string_view text) {
  std::uint64_t slots = 0;
  if (auto clause = why_no_number(text, 64, 1U << 26, slots)) {
    return clause;
  }
  if (!std::has_single_bit(slots)) {
    return in_quotes(text) + " is not a power of two";
  }
  config.engine.inflight = static_cast<std::uint32_t>(slots);
  return std::nullopt;
}

Clause set_metrics_listen(VpConfig& config, std::string_view text) {
  if (text != kOff) {
    if (auto fault = listen_fault(text)) {
      return fault;
    }
  }
  config.metrics_listen = text == kOff ? "" : text;
  config.metrics_listen_is_default = false;
  return std::nullopt;
}

std::string metrics_listen_text(const VpConfig& config) {
  if (config.metrics_listen_is_default) {
    return {};
  }
  return config.metrics_listen.empty() ? std::string(kOff) : config.metrics_listen;
}

std::vector<std::string> workers_text(const VpConfig& config) {
  std::vector<std::string> texts;
  for (const unsigned core : config.engine.workers) {
    texts.push_back(fmt::to_string(core));
  }
  return texts;
}

}  // namespace backsight::config
