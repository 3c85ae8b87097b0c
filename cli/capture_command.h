// `backsight vp capture`: what a vantage point of this machine receives and cannot use, as pcapng.
#pragma once

#include <cstdint>
#include <string>

#include "config/error.h"

namespace backsight::cli {

struct CaptureOptions {
  std::string socket;  // capture.socket of the vantage point
  std::uint32_t seconds = 10;
};

// Writes to stdout, whole blocks only, until the time is over or a signal comes.
[[nodiscard]] Expected<int> capture(const CaptureOptions& options);

}  // namespace backsight::cli
