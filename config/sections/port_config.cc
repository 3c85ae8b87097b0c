#include "config/sections/port_config.h"

#include "config/lists/deny_list.h"
#include "config/reading/address_text.h"
#include "config/reading/keys.h"
#include "config/reading/written.h"

namespace backsight::config {
namespace {

constexpr std::uint64_t kMaxDescriptors = 32'768;

Clause device_fault(std::string_view text) {
  if (text.find(' ') != text.npos) return in_quotes(text) + " holds a blank";
  // A bus address has a colon (PCI) or a dot (auxiliary), a virtual device its class or arguments.
  const bool is_device = text.find_first_of(":.,") != text.npos || text.starts_with("net_");
  if (!is_device) return in_quotes(text) + " is no PCI address and no EAL virtual device";
  return std::nullopt;
}

bool is_never_a_host(probes::Ipv4Addr address) {
  return PrefixSet(never_unicast()).contains(address);
}

// On shorter links both ends are hosts (RFC 3021).
bool has_ends(probes::Ipv4Prefix link) { return link.length <= 30; }

probes::Ipv4Addr last_of(probes::Ipv4Prefix link) { return {link.base.value | ~link.mask()}; }

Clause set_address(PortConfig& port, std::string_view text) {
  const auto read = read_link_address(text);
  if (!read) return read.error();
  PortConfig wanted;
  wanted.address = read->address;
  wanted.prefix_length = read->prefix_length;
  const probes::Ipv4Prefix link = wanted.link();
  if (is_never_a_host(wanted.address) || link.length == 0) {
    return in_quotes(text) + " is no address of a host";
  }
  if (has_ends(link) && wanted.address == link.base) {
    return fmt::format("{} is the network address of {}", in_quotes(text), to_string(link));
  }
  if (has_ends(link) && wanted.address == last_of(link)) {
    return fmt::format("{} is the broadcast address of {}", in_quotes(text), to_string(link));
  }
  port.address = wanted.address;
  port.prefix_length = wanted.prefix_length;
  return std::nullopt;
}

Reading<probes::Ipv4Addr> read_gateway(std::string_view text) {
  auto address = read_address(text);
  if (address && is_never_a_host(*address)) {
    return tl::unexpected(in_quotes(text) + " is no address of a host");
  }
  return address;
}

Reading<probes::MacAddr> read_mac(std::string_view text) {
  const auto mac = probes::parse_mac(text);
  if (!mac) return tl::unexpected(in_quotes(text) + " is no Ethernet address");
  const bool is_group = (mac->bytes[0] & 1) != 0;
  if (is_group || *mac == probes::MacAddr{}) {
    return tl::unexpected(in_quotes(text) + " is no address of one station");
  }
  return *mac;
}

// A gateway must be another host. It is on the link wherever its address is: networks that give out
// single addresses have one router for all of them.
void check_gateway(Written& written, const PortConfig& port) {
  if (port.gateway_mac && !written.has("gateway")) {
    written.add("gateway_mac", "has no effect without gateway; write that too, such as 192.0.2.1");
  }
  if (!port.on_link && !written.has("gateway")) {
    written.add("on_link",
                "is false, so nothing is reached without gateway; write that too, such as "
                "192.0.2.1");
  }
  if (!written.has_taken("gateway") || !written.has_taken("address")) return;
  const probes::Ipv4Prefix link = port.link();
  const std::string gateway = fmt::format("\"{}\"", to_string(*port.gateway));
  if (*port.gateway == port.address) {
    written.refuse("gateway", gateway + " is the port's own address");
  } else if (has_ends(link) && (*port.gateway == link.base || *port.gateway == last_of(link))) {
    written.refuse("gateway",
                   fmt::format("{} is an end of {}, which no host has", gateway, to_string(link)));
  }
}

}  // namespace

void describe(Keys& keys, PortConfig& port) {
  using Answers = PortConfig::Answers;
  describe_device(keys, port.device, "net_af_xdp0,iface=eth1");
  keys.one(
          "address", "address/length", "its own, and the prefix length of its link",
          [&port](std::string_view text) { return set_address(port, text); },
          [&port] { return fmt::format("{}/{}", to_string(port.address), port.prefix_length); })
      .write("the port's address and the prefix length of its link", "192.0.2.10/24")
      .required();
  keys.flag("on_link", port.on_link, "whether its prefix is reached without the gateway");
  keys.value("gateway", port.gateway, "address", "the way beyond the link", read_gateway)
      .write("the address of a router on the port's link", "192.0.2.1")
      .if_absent("only on-link destinations");
  keys.value("gateway_mac", port.gateway_mac, "Ethernet address", "the gateway's Ethernet address",
             read_mac)
      .write("the gateway's Ethernet address", "02:00:00:00:00:01")
      .if_absent("asked by ARP");
  keys.word("answers", port.answers,
            {{"auto", Answers::kAuto}, {"yes", Answers::kYes}, {"no", Answers::kNo}},
            "to ARP and pings; auto: unless a kernel does");
  describe_descriptors(keys, port.rx_descriptors, port.tx_descriptors, "a");
  keys.check([&port](Written& written) { check_gateway(written, port); });
}

void describe_device(Keys& keys, std::string& device, std::string_view device_example) {
  keys.text("device", device, "0000:3b:00.0, net_...",
            fmt::format("PCI address, or an EAL device: {}", device_example), device_fault)
      .write("a PCI address or an EAL virtual device", "net_af_packet0,iface=eth1")
      .required();
}

void describe_descriptors(Keys& keys, std::uint16_t& rx, std::uint16_t& tx,
                          std::string_view article) {
  constexpr std::string_view kWanted = "a number of descriptors, or 0 for the device's choice";
  constexpr std::string_view kMeaning = "of {} {} queue; 0: the device's choice";
  keys.number("rx_descriptors", rx, 0, kMaxDescriptors, fmt::format(kMeaning, article, "receive"))
      .write(kWanted, "1024");
  keys.number("tx_descriptors", tx, 0, kMaxDescriptors, fmt::format(kMeaning, article, "transmit"))
      .write(kWanted, "1024");
}

}  // namespace backsight::config
