// Every key of controller.yaml, once. The loader, the printer and the manual are made from it.
#pragma once

#include <span>

#include "config/controller_config.h"
#include "config/reading/key.h"

namespace backsight::config {

// In the order in which they are printed.
[[nodiscard]] std::span<const Key<ControllerConfig>> controller_keys();

}  // namespace backsight::config
