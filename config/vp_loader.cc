#include "config/vp_loader.h"

#include <fmt/format.h>

#include "config/queue_keys.h"
#include "config/reading/config_file.h"
#include "config/reading/keys_reader.h"
#include "config/vp_keys.h"

namespace backsight::config {
namespace {

constexpr std::size_t kMaxPorts = 32;  // RTE_MAX_ETHPORTS of Debian's DPDK

// A gateway must be another host. It is on the link wherever its address is: networks that give out
// single addresses have one router for all of them.
void check_gateway(const PortConfig& port, KeysReader<PortConfig>& reader) {
  const YamlNode* const written = reader.node("gateway");
  if (port.gateway_mac && (written == nullptr || written->kind == YamlNode::Kind::kNothing)) {
    reader.add("gateway_mac", "has no effect without gateway; write that too, such as 192.0.2.1");
  }
  if (!port.on_link && (written == nullptr || written->kind == YamlNode::Kind::kNothing)) {
    reader.add("on_link",
               "is false, so nothing is reached without gateway; write that too, such as "
               "192.0.2.1");
  }
  if (!reader.has_taken("gateway") || !reader.has_taken("address")) {
    return;
  }
  const probes::Ipv4Prefix link = port.link();
  const std::uint32_t last = link.base.value | ~link.mask();
  const std::string gateway = fmt::format("\"{}\"", to_string(*port.gateway));
  if (*port.gateway == port.address) {
    reader.refuse("gateway", gateway + " is the port's own address");
  } else if (link.length <= 30 && (*port.gateway == link.base || port.gateway->value == last)) {
    reader.refuse("gateway",
                  fmt::format("{} is an end of {}, which no host has", gateway, to_string(link)));
  }
}

// The name of a device without its arguments, which is what tells EAL's devices apart.
std::string_view device_name(const PortConfig& port) {
  return std::string_view(port.device).substr(0, port.device.find(','));
}

void check_alike(const VpConfig& config, KeysReader<PortConfig>& reader) {
  const PortConfig& port = config.ports.back();
  for (std::size_t i = 0; i + 1 < config.ports.size(); ++i) {
    if (reader.has_taken("device") && device_name(config.ports[i]) == device_name(port)) {
      reader.add("device", fmt::format("\"{}\" is the device of port {} too; name another",
                                       device_name(port), i));
    }
    if (reader.has_taken("address") && config.ports[i].address == port.address) {
      reader.add("address", fmt::format("\"{}\" is the address of port {} too; give each its own",
                                        to_string(port.address), i));
    }
  }
}

void read_ports(const YamlNode& list, std::string_view file_name, VpConfig& config,
                KeysReader<VpConfig>& keys, Faults& faults) {
  if (list.kind != YamlNode::Kind::kList || list.children.empty()) {
    keys.refuse("ports", "is not a list of ports");
    return;
  }
  if (list.children.size() > kMaxPorts) {
    keys.add("ports",
             fmt::format("has {} ports; write {} at most", list.children.size(), kMaxPorts));
    return;
  }
  for (std::size_t i = 0; i < list.children.size(); ++i) {
    const YamlNode& item = list.children[i];
    FaultSink sink(file_name, fmt::format("ports.{}.", i), faults);
    KeysReader<PortConfig> reader(port_keys(), sink);
    config.ports.emplace_back();
    if (item.kind != YamlNode::Kind::kMap) {
      FaultSink(file_name, "", faults)
          .add(item.line, fmt::format("ports.{}", i),
               "is no port; write \"device: ...\" and "
               "\"address: ...\"");
      continue;
    }
    reader.read(item, config.ports.back());
    check_gateway(config.ports.back(), reader);
    check_alike(config, reader);
  }
}

}  // namespace

tl::expected<VpConfig, Faults> parse_vp_config(const std::string& text,
                                               const std::filesystem::path& file_name,
                                               std::span<const std::string> overrides) {
  const std::string name = file_name.string();
  Faults faults;
  const auto root = parse_with_overrides(text, name, overrides, faults);
  if (!root) {
    return tl::unexpected(root.error());
  }
  VpConfig config;
  FaultSink sink(name, "", faults);
  KeysReader<VpConfig> reader(vp_keys(), sink);
  reader.read(*root, config);
  if (const YamlNode* const ports = reader.node("ports")) {
    read_ports(*ports, name, config, reader, faults);
  }
  check_queue(config, reader);
  if (!faults.empty()) {
    sort_by_place(faults);
    return tl::unexpected(std::move(faults));
  }
  for (auto* path : {&config.enrolled_file, &config.deny_file, &config.key_file,
                     &config.queue.spool, &config.capture_socket}) {
    resolve(*path, file_name.parent_path());
  }
  for (auto* path : paths_of(config.queue)) {
    resolve(*path, file_name.parent_path());
  }
  return config;
}

tl::expected<VpConfig, Faults> load_vp_config(const std::filesystem::path& file,
                                              std::span<const std::string> overrides) {
  const auto text = read_text_file(file);
  if (!text) {
    return tl::unexpected(Faults{text.error()});
  }
  return parse_vp_config(*text, file, overrides);
}

}  // namespace backsight::config
