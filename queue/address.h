// Where a queue is, and what it takes to be let in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/error.h"
#include "config/sections/queue_config.h"

namespace backsight::queue {

// Paths are as the process sees them.
struct QueueAddress {
  QueueAddress() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a URL is an address.
  QueueAddress(std::string url_text) : url(std::move(url_text)) {}
  QueueAddress(const char* url_text) : url(url_text) {}

  // What a config says of it; spool and state are each program's own.
  explicit QueueAddress(const config::QueueConfig& config);

  // "file:///dir", "nats://host:4222", "tls://host:4222"; several servers with commas between.
  std::string url;
  // Of a broker:
  std::string credentials;  // a .creds file, or an nkey's seed; empty: none
  std::string tls_ca;       // trusted certificates; empty: the system's
  std::string tls_cert;     // ours, with tls_key; empty: none is shown
  std::string tls_key;
  // Of a vantage point: where results wait until they are committed.
  std::string spool = "/var/lib/backsight/spool";
  std::uint64_t spool_limit_bytes = std::uint64_t{10} << 30;
  // Of a consumer: where it keeps what it has committed.
  std::string state = "/var/lib/backsight/consumer";

  [[nodiscard]] bool is_broker() const noexcept { return !url.starts_with("file:"); }
  // The URL without user names and passwords, to be shown.
  [[nodiscard]] std::string shown() const;
};

// Whether a queue can be there: the scheme, hosts and ports of the URL. Looks at no file.
[[nodiscard]] Expected<void> check_address(const QueueAddress& address);

}  // namespace backsight::queue
