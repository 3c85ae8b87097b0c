// Pipes to programs that a test runs.
#pragma once

#include <sys/types.h>

namespace backsight {

// Reads nothing of the pipe with this reading end until it takes nothing more. False: `writer`, a
// child, ended before; it is still to be waited for.
[[nodiscard]] bool wait_until_full(int reading_end, pid_t writer);

}  // namespace backsight
