#include "config/vp_manual.h"

#include "config/reading/key_printer.h"
#include "config/vp_keys.h"

namespace backsight::config {

std::string print_vp_manual() {
  KeyManual manual;
  for (const Key<VpConfig>& key : vp_keys()) {
    manual.row(key);
    if (key.is_group) {
      for (const Key<PortConfig>& port : port_keys()) {
        manual.row(port, "ports[].");
      }
    }
  }
  return manual.table();
}

}  // namespace backsight::config
