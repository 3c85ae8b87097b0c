#include "queue/address.h"

#include "config/queue_url.h"

namespace backsight::queue {

QueueAddress::QueueAddress(const config::QueueConfig& config)
    : url(config.url),
      credentials(config.credentials),
      tls_ca(config.tls_ca),
      tls_cert(config.tls_cert),
      tls_key(config.tls_key) {}

Expected<void> check_address(const QueueAddress& address) {
  if (auto fault = config::queue_url_fault(address.url)) {
    return bad_usage("queue " + *fault + "; write " + std::string(config::kQueueUrlsWanted));
  }
  if (address.tls_cert.empty() != address.tls_key.empty()) {
    return bad_usage("a TLS certificate needs its key, and a key its certificate: give both");
  }
  return {};
}

std::string QueueAddress::shown() const { return config::queue_url_without_secrets(url); }

}  // namespace backsight::queue
