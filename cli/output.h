// stdout carries data, stderr words for people.
#pragma once

#include <string_view>

#include "config/error.h"

namespace backsight::cli {

// One sentence on stderr, after the program's name.
void tell(std::string_view sentence);
// The same without the name: of a line of somebody's file.
void tell_plainly(std::string_view sentence);

enum class Written { kAll, kStopped, kClosed };

// Writes all of `data` to stdout, however slow its reader is, unless the pipe is closed, or a
// signal came and the reader takes nothing more. When a disk is full, a file is cut back to what it
// was.
[[nodiscard]] Expected<Written> write_out(std::string_view data);

}  // namespace backsight::cli
