#include "config/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/reading/text_file.h"

namespace backsight::config {

std::string to_string(const Fault& fault) {
  if (fault.file == kFromSet) {
    return fmt::format("{} {}: {}", kFromSet, printable(fault.key), fault.sentence);
  }
  std::string text = fault.file;
  if (fault.line > 0) {
    text += fmt::format(":{}", fault.line);
  }
  text += ": ";
  if (!fault.key.empty()) {
    text += printable(fault.key) + ": ";
  }
  return text + fault.sentence;
}

void sort_by_place(Faults& faults) {
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) {
    return std::pair(a.file == kFromSet, a.line) < std::pair(b.file == kFromSet, b.line);
  });
}

Error as_error(std::span<const Fault> faults) {
  Error error{ErrorCode::kBadUsage, {}};
  for (const Fault& fault : faults) {
    if (!error.sentence.empty()) {
      error.sentence += '\n';
    }
    error.sentence += to_string(fault);
  }
  return error;
}

}  // namespace backsight::config
