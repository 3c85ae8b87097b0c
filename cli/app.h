// The `backsight` command line.
#pragma once

namespace backsight::cli {

// Returns the exit code: 0 done, 1 failed while running, 2 bad usage.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace backsight::cli
