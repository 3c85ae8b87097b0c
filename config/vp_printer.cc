#include "config/vp_printer.h"

#include "config/reading/key_printer.h"
#include "config/vp_keys.h"

namespace backsight::config {
namespace {

void print_ports(const VpConfig& config, KeyPrinter& printer) {
  printer.line(config.ports.empty() ? "ports: []" : "ports:");
  bool is_first = true;
  for (const PortConfig& port : config.ports) {
    std::string_view indent = "  - ";
    for (const Key<PortConfig>& key : port_keys()) {
      printer.key(key, port, indent, is_first);
      indent = "    ";
    }
    is_first = false;
  }
}

}  // namespace

std::string print_vp_config(const VpConfig& config) {
  KeyPrinter printer;
  printer.line(
      "# One vantage point. Paths are relative to this file; docs/configuration.md tells more.");
  printer.keys(vp_keys(), config, [&](const Key<VpConfig>&) { print_ports(config, printer); });
  return printer.take();
}

}  // namespace backsight::config
