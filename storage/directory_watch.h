// A directory of the real disk, watched by the kernel (inotify).
#pragma once

#include <memory>
#include <string>

#include "storage/file_system.h"

namespace backsight::storage {

// Returns nothing if the kernel does not watch it: there is no such directory, or too many are
// watched. What another machine does on a shared disk is not seen.
[[nodiscard]] std::unique_ptr<Watch> watch_directory(const std::string& directory);

}  // namespace backsight::storage
