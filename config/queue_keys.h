// The keys of `queue` that every program's config has. `Config` has a member `queue` that is a
// QueueConfig.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "config/queue_config.h"
#include "config/queue_url.h"
#include "config/reading/key.h"
#include "config/reading/keys_reader.h"

namespace backsight::config {

// The URL: `absent` is what its absence means; empty: it is required.
template <typename Config>
Key<Config> queue_url_key(std::string_view meaning, std::string_view absent) {
  return {.name = "queue.url",
          .wanted = kQueueUrlsWanted,
          .example = "file:///var/lib/backsight",
          .meaning = meaning,
          .absent = absent,
          .is_required = absent.empty(),
          .access = single<Config>(
              "file:///path, nats://host:port, tls://host:port",
              [](Config& config, std::string_view text) {
                auto fault = queue_url_fault(text);
                if (!fault) {
                  config.queue.url = text;
                }
                return fault;
              },
              [](const Config& config) { return config.queue.url; })};
}

// How a broker knows us and we know it. `who` is the example's name of files.
template <typename Config>
std::vector<Key<Config>> broker_keys(std::string_view credentials_example,
                                     std::string_view cert_example, std::string_view key_example) {
  const auto credentials = [](auto& config) -> auto& { return config.queue.credentials; };
  const auto tls_ca = [](auto& config) -> auto& { return config.queue.tls_ca; };
  const auto tls_cert = [](auto& config) -> auto& { return config.queue.tls_cert; };
  const auto tls_key = [](auto& config) -> auto& { return config.queue.tls_key; };
  return {
      {.name = "queue.credentials",
       .wanted = "the path of a .creds file or of an nkey's seed",
       .example = credentials_example,
       .meaning = "who we are to a broker",
       .absent = "nobody",
       .access = path<Config>(credentials)},
      {.name = "queue.tls_ca",
       .wanted = "the path of trusted certificates, PEM",
       .example = "ca.pem",
       .meaning = "certificates of who may sign the broker's",
       .absent = "the system's",
       .access = path<Config>(tls_ca)},
      {.name = "queue.tls_cert",
       .wanted = "the path of a certificate, PEM",
       .example = cert_example,
       .meaning = "our certificate, for brokers that ask",
       .absent = "none is shown",
       .access = path<Config>(tls_cert)},
      {.name = "queue.tls_key",
       .wanted = "the path of the certificate's key, PEM",
       .example = key_example,
       .meaning = "the key of tls_cert",
       .absent = "none",
       .access = path<Config>(tls_key)},
  };
}

// A certificate is shown with its key.
template <typename Config>
void check_queue(const Config& config, KeysReader<Config>& reader) {
  if (!config.queue.tls_cert.empty() && config.queue.tls_key.empty()) {
    reader.add("queue.tls_cert", "has no effect without queue.tls_key; write that too");
  }
  if (config.queue.tls_cert.empty() && !config.queue.tls_key.empty()) {
    reader.add("queue.tls_key", "has no effect without queue.tls_cert; write that too");
  }
}

// Paths that are relative to the config's folder.
[[nodiscard]] inline std::array<std::filesystem::path*, 4> paths_of(QueueConfig& queue) {
  return {&queue.credentials, &queue.tls_ca, &queue.tls_cert, &queue.tls_key};
}

}  // namespace backsight::config
