// Who we are to a broker, from a file: a .creds file (JWT and seed), or an nkey's seed alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/error.h"
#include "config/reading/secret_file.h"
#include "queue/nats/broker/library.h"

namespace backsight::queue::nats {

// What the library signs with; wiped at its end.
struct Credentials {
  config::SecretText file;
  std::string_view seed;  // in `file`
};

// Sets what the file says. Fails on a file that is neither, or that others may read. What it
// returns must outlive every connection made with the options.
[[nodiscard]] Expected<std::unique_ptr<const Credentials>> use_credentials(natsOptions* options,
                                                                           const std::string& path);

}  // namespace backsight::queue::nats
