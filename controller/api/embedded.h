// Files of api/page/, part of the program. Made by CMake.
#pragma once

#include <string_view>

namespace backsight::controller {

extern const std::string_view kPageHtml;
extern const std::string_view kPageScript;
extern const std::string_view kPageStyle;
extern const std::string_view kOpenApi;

}  // namespace backsight::controller
