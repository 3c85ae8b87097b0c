// How a program reaches the queue, as its config says it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace backsight::config {

class Keys;
struct Key;

// Paths are absolute, or relative to the working directory, once loaded.
struct QueueConfig {
  std::string url;
  std::filesystem::path credentials;  // of a broker: .creds file or nkey seed; empty: none
  std::filesystem::path tls_ca;       // trusted certificates; empty: the system's
  std::filesystem::path tls_cert;     // ours, with tls_key; empty: none is shown
  std::filesystem::path tls_key;

  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

// The keys of every program's section `queue`: the URL, and how a broker knows us and we know it.
// `who` is what the examples of files are named for.
Key& describe_url(Keys& keys, QueueConfig& queue, std::string_view meaning);
void describe_broker(Keys& keys, QueueConfig& queue, std::string_view who);

}  // namespace backsight::config
