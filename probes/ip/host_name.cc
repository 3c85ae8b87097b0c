#include "probes/ip/host_name.h"

namespace backsight::probes {

bool ends_in_number(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view label = host.substr(host.rfind('.') + 1);
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return label.find_first_not_of("0123456789abcdefABCDEF", 2) == label.npos;
  }
  return !label.empty() && label.find_first_not_of("0123456789") == label.npos;
}

}  // namespace backsight::probes
