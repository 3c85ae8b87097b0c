// Counts what a thread takes from the heap. A test program that calls this gets a global operator
// new that counts.
#pragma once

#include <cstddef>

namespace backsight::testing {

// Calls of operator new by this thread since it began.
[[nodiscard]] std::size_t heap_allocations() noexcept;

}  // namespace backsight::testing
