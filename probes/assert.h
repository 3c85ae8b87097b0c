// BACKSIGHT_ASSERT: contracts between our own functions. On in debug and sanitizer builds, off in
// release; never for anything that arrives from outside.
#pragma once

#include <cassert>

#ifdef NDEBUG
#define BACKSIGHT_ASSERT(condition) static_cast<void>(sizeof(condition))
#else
#define BACKSIGHT_ASSERT(condition) assert(condition)
#endif
