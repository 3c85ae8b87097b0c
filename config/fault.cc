#include "config/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace backsight::config {
namespace {

constexpr std::size_t kShownCharacters = 60;

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kShownCharacters)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return shown + (text.size() > kShownCharacters ? "..." : "");
}

std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

std::string to_string(const Fault& fault) {
  if (fault.file == kFromSet) {
    return fmt::format("{} {}: {}", kFromSet, printable(fault.key), fault.sentence);
  }
  std::string text = fault.file;
  if (fault.line > 0) text += fmt::format(":{}", fault.line);
  text += ": ";
  if (!fault.key.empty()) text += printable(fault.key) + ": ";
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
    if (!error.sentence.empty()) error.sentence += '\n';
    error.sentence += to_string(fault);
  }
  return error;
}

}  // namespace backsight::config
