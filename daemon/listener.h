// Sockets that programs listen on, by the words of their config.
#pragma once

#include <string>

#include "config/error.h"

namespace backsight::daemon {

// Opens the first of the host's addresses that can be listened on ("127.0.0.1:9464", "[::1]:9464").
// `key` names it in sentences ("metrics.listen"); `other` is what may stand there besides another
// port: "\"off\"", or nothing.
[[nodiscard]] Expected<int> open_listener(const std::string& listen, const std::string& key,
                                          const std::string& other);

}  // namespace backsight::daemon
