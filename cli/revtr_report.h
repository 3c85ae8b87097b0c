// A reverse path as people read it: like a traceroute, from the destination back to the source.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace backsight::cli {

// The addresses that a path shows, for who looks up their names.
[[nodiscard]] std::vector<std::string> addresses_of(const nlohmann::json& path);

// `path` is the API's object; `names` of addresses, as far as they have one.
[[nodiscard]] std::string report_path(const nlohmann::json& path,
                                      const std::map<std::string, std::string>& names);

}  // namespace backsight::cli
