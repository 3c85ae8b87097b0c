// stdout carries data, stderr words for people.
#pragma once

#include <string_view>

#include "config/error.h"

namespace backsight::cli {

// One sentence on stderr, after the program's name.
void tell(std::string_view sentence);

enum class Written { kAll, kStopped, kClosed };

// Writes all of `data` to stdout, unless a signal or a closed pipe comes between.
[[nodiscard]] Expected<Written> write_out(std::string_view data);

}  // namespace backsight::cli
