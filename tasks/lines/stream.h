// What a program is given to read and write: files, pipes, sockets and terminals, whether using
// them blocks or not. Thread: any, one at a time for each descriptor.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <tl/expected.hpp>

#include "config/error.h"

namespace backsight::tasks {

// Opens each standard stream that the program was started without, so that using it fails and no
// file opened later takes its number. To be called first.
void hold_standard_streams() noexcept;

// Writes as much of `bytes` as can be written without waiting, and returns how much that was. The
// error is an errno.
[[nodiscard]] tl::expected<std::size_t, int> write_some(int descriptor, std::string_view bytes);

// Wait until writing or reading would get on, be it with an error. False: the time is over or a
// signal came. Negative patience: however long it takes.
bool wait_writable(int descriptor, std::chrono::milliseconds patience);
bool wait_readable(int descriptor, std::chrono::milliseconds patience);

// Writes all of it to standard output, however long that takes.
[[nodiscard]] Expected<void> print(std::string_view text);

}  // namespace backsight::tasks
