// Who we are to a broker, from a file: a .creds file (JWT and seed), or an nkey's seed alone.
#pragma once

#include <string>

#include "config/error.h"
#include "queue/nats/broker/library.h"

namespace backsight::queue::nats {

// Sets what the file says. Fails on a file that is neither, or that others may read.
[[nodiscard]] Expected<void> use_credentials(natsOptions* options, const std::string& path);

}  // namespace backsight::queue::nats
