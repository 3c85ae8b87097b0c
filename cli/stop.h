// SIGINT and SIGTERM as a question: finish what is under way, then end.
#pragma once

namespace backsight::cli {

// From now on the two signals set a flag and interrupt what waits, and a closed pipe is an error of
// write() instead of death.
void watch_signals();

[[nodiscard]] bool is_stopped() noexcept;

}  // namespace backsight::cli
