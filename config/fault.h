// What is wrong in a file that an operator wrote. A loader hands out all faults of a file at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace backsight::config {

// The `file` of a fault in a --set argument.
inline constexpr std::string_view kFromSet = "--set";

struct Fault {
  std::string file;      // as the operator named it, or kFromSet
  int line = 0;          // 1-based; 0: no line in particular
  std::string key;       // "ports.0.address"; empty: no key in particular
  std::string sentence;  // what is wrong and what would be right

  friend bool operator==(const Fault&, const Fault&) = default;
};

using Faults = std::vector<Fault>;

// "vp.yaml:12: rates.total_pps: "fast" is not a whole number; write packets a second, such as
// 10000"
[[nodiscard]] std::string to_string(const Fault& fault);

// A text as a fault may show it: control characters as \xNN, long texts shortened.
[[nodiscard]] std::string printable(std::string_view text);
[[nodiscard]] std::string in_quotes(std::string_view text);

// In the order of the file's lines, those of --set last.
void sort_by_place(Faults& faults);

// All faults as one error of exit code 2, a line each.
[[nodiscard]] Error as_error(std::span<const Fault> faults);

}  // namespace backsight::config
