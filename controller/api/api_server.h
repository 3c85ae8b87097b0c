// The API over HTTP (cpp-httplib). Slow clients cannot use the process up: requests, bodies,
// answers and event streams are bounded in bytes, time and number, and one request goes over a
// connection. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "config/error.h"
#include "controller/api/api.h"

namespace backsight::controller {

inline constexpr std::size_t kMaxBodyBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMaxBodiesBytes = std::size_t{256} << 20;  // of all at once
inline constexpr std::size_t kMaxEventStreams = 384;
inline constexpr std::size_t kMaxEventStreamsPerUser = 32;

// What was served since the start, and is now.
struct ApiFigures {
  std::uint64_t answers_2xx = 0;
  std::uint64_t answers_4xx = 0;
  std::uint64_t answers_5xx = 0;
  std::uint64_t event_streams = 0;  // open
};

class ApiServer {
 public:
  // Listens on `listen` of the config. `api` outlives this.
  [[nodiscard]] static Expected<std::unique_ptr<ApiServer>> start(const std::string& listen,
                                                                  Api& api);
  // Ends at once; requests under way are dropped.
  virtual ~ApiServer() = default;

  [[nodiscard]] virtual ApiFigures figures() const = 0;

 protected:
  ApiServer() = default;
};

}  // namespace backsight::controller
