// The URL of a queue, as config and command line take it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backsight::config {

inline constexpr std::string_view kQueueUrlsWanted =
    "file:///DIRECTORY, nats://HOST:4222 or tls://HOST:4222";

// What is wrong with it, as a clause that begins with the URL in quotes; nothing: it is right.
//
//   file:///DIRECTORY
//   nats://[USER[:PASSWORD]@]HOST[:PORT], tls://..., several of these with commas between
[[nodiscard]] std::optional<std::string> queue_url_fault(std::string_view url);

// The URL to be shown: what stands before an "@" is left out.
[[nodiscard]] std::string queue_url_without_secrets(std::string_view url);

}  // namespace backsight::config
