// How a program reaches the queue, as its config says it.
#pragma once

#include <filesystem>
#include <string>

namespace backsight::config {

// Paths are absolute, or relative to the working directory, once loaded.
struct QueueConfig {
  std::string url;
  std::filesystem::path credentials;  // of a broker: .creds file or nkey seed; empty: none
  std::filesystem::path tls_ca;       // trusted certificates; empty: the system's
  std::filesystem::path tls_cert;     // ours, with tls_key; empty: none is shown
  std::filesystem::path tls_key;

  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

}  // namespace backsight::config
