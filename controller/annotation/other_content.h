// What a file is that should hold rows of data and holds something else: what came instead of a
// download, or what has to be taken out of its wrapping first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backsight::controller {

// So much of a file is enough to see it.
inline constexpr std::size_t kBeginningBytes = std::size_t{64} << 10;

// Says it in words that follow the file's name, with what to do; empty: it may be data. `beginning`
// is unpacked, and all of the file when it is shorter than kBeginningBytes.
[[nodiscard]] std::string other_content(std::string_view beginning);

}  // namespace backsight::controller
