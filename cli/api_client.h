// The controller's API as this command uses it: ask, follow.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "config/error.h"

namespace backsight::cli {

struct ControllerAddress {
  std::string url = "http://127.0.0.1:8080";
  std::string key;  // empty: none is shown
};

// Posts the body to /api/v1/revtr. Returns the batch.
[[nodiscard]] Expected<std::uint64_t> submit(const ControllerAddress& at, const std::string& body);

// Hands out the JSON of each path as it ends, until the batch is complete. A connection that breaks
// is made again, and nothing is handed out twice. `goes_on` is asked again and again; false ends
// it.
[[nodiscard]] Expected<void> follow(const ControllerAddress& at, std::uint64_t batch,
                                    const std::function<void(const std::string&)>& path,
                                    const std::function<bool()>& goes_on);

// Takes the batch back: what has not ended is not measured any more.
void cancel(const ControllerAddress& at, std::uint64_t batch);

}  // namespace backsight::cli
