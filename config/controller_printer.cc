#include "config/controller_printer.h"

#include "config/controller_keys.h"
#include "config/reading/key_printer.h"

namespace backsight::config {

std::string print_controller_config(const ControllerConfig& config) {
  KeyPrinter printer;
  printer.line(
      "# The controller. Paths are relative to this file; docs/controller-configuration.md tells "
      "more.");
  printer.keys(controller_keys(), config, [](const Key<ControllerConfig>&) {});
  return printer.take();
}

std::string print_controller_manual() {
  KeyManual manual;
  for (const Key<ControllerConfig>& key : controller_keys()) {
    manual.row(key);
  }
  return manual.table();
}

}  // namespace backsight::config
