#include "config/sim_loader.h"

#include <fmt/format.h>

#include "config/reading/config_file.h"
#include "config/reading/key_printer.h"
#include "config/reading/keys_reader.h"
#include "config/sim_keys.h"

namespace backsight::config {
namespace {

constexpr std::size_t kMaxPorts = 32;  // RTE_MAX_ETHPORTS of Debian's DPDK

// Each vantage point is behind one port, and there.
void check_points(const SimConfig& config, std::size_t index, KeysReader<SimPortConfig>& reader) {
  const std::uint32_t all = config.world.topology.vantage_points;
  const auto last = [&](const SimPortConfig& port) {
    return port.vantage_points == 0 ? all : port.first_vantage_point + port.vantage_points;
  };
  const SimPortConfig& port = config.ports[index];
  if (port.first_vantage_point >= all || last(port) > all) {
    reader.add("vantage_points",
               fmt::format("ends with number {}, but there are {} (topology.vantage_points), the "
                           "last of them number {}",
                           std::max(last(port), port.first_vantage_point + 1) - 1, all, all - 1));
  }
  for (std::size_t i = 0; i < index; ++i) {
    const SimPortConfig& other = config.ports[i];
    if (port.first_vantage_point < last(other) && other.first_vantage_point < last(port)) {
      reader.add("first_vantage_point",
                 fmt::format("shares vantage points with port {}; give each port its own", i));
    }
  }
}

void read_ports(const YamlNode& list, std::string_view file_name, SimConfig& config,
                KeysReader<SimConfig>& keys, Faults& faults) {
  if (list.kind == YamlNode::Kind::kNothing) {
    return;
  }
  if (list.kind != YamlNode::Kind::kList) {
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
    KeysReader<SimPortConfig> reader(sim_port_keys(), sink);
    config.ports.emplace_back();
    if (item.kind != YamlNode::Kind::kMap) {
      FaultSink(file_name, "", faults)
          .add(item.line, fmt::format("ports.{}", i), "is no port; write \"device: ...\"");
      continue;
    }
    reader.read(item, config.ports.back());
    check_points(config, i, reader);
  }
}

void print_ports(const SimConfig& config, KeyPrinter& printer) {
  printer.line(config.ports.empty() ? "ports: []" : "ports:");
  bool is_first = true;
  for (const SimPortConfig& port : config.ports) {
    std::string_view indent = "  - ";
    for (const Key<SimPortConfig>& key : sim_port_keys()) {
      printer.key(key, port, indent, is_first);
      indent = "    ";
    }
    is_first = false;
  }
}

}  // namespace

tl::expected<SimConfig, Faults> parse_sim_config(const std::string& text,
                                                 const std::filesystem::path& file_name,
                                                 std::span<const std::string> overrides) {
  const std::string name = file_name.string();
  Faults faults;
  const auto root = parse_with_overrides(text, name, overrides, faults);
  if (!root) {
    return tl::unexpected(root.error());
  }
  SimConfig config;
  FaultSink sink(name, "", faults);
  KeysReader<SimConfig> reader(sim_keys(), sink);
  reader.read(*root, config);
  if (const YamlNode* const ports = reader.node("ports")) {
    read_ports(*ports, name, config, reader, faults);
  }
  if (!faults.empty()) {
    sort_by_place(faults);
    return tl::unexpected(std::move(faults));
  }
  resolve(config.world.topology.as_relationships, file_name.parent_path());
  return config;
}

tl::expected<SimConfig, Faults> load_sim_config(const std::filesystem::path& file,
                                                std::span<const std::string> overrides) {
  const auto text = read_text_file(file);
  if (!text) {
    return tl::unexpected(Faults{text.error()});
  }
  return parse_sim_config(*text, file, overrides);
}

std::string print_sim_config(const SimConfig& config) {
  KeyPrinter printer;
  printer.line(
      "# A simulated Internet. Paths are relative to this file; docs/simulation.md tells more.");
  printer.keys(sim_keys(), config, [&](const Key<SimConfig>&) { print_ports(config, printer); });
  return printer.take();
}

std::string print_sim_manual() {
  KeyManual manual;
  for (const Key<SimConfig>& key : sim_keys()) {
    manual.row(key);
    if (key.is_group) {
      for (const Key<SimPortConfig>& port_key : sim_port_keys()) {
        manual.row(port_key, "ports[].");
      }
    }
  }
  return manual.table();
}

}  // namespace backsight::config
