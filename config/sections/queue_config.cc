#include "config/sections/queue_config.h"

#include "config/queue_url.h"
#include "config/reading/keys.h"
#include "config/reading/written.h"

namespace backsight::config {
namespace {

// A certificate is shown with its key.
void check_certificate(Written& written, const QueueConfig& queue) {
  if (!queue.tls_cert.empty() && queue.tls_key.empty()) {
    written.add("tls_cert", "has no effect without queue.tls_key; write that too");
  }
  if (queue.tls_cert.empty() && !queue.tls_key.empty()) {
    written.add("tls_key", "has no effect without queue.tls_cert; write that too");
  }
}

}  // namespace

Key& describe_url(Keys& keys, QueueConfig& queue, std::string_view meaning) {
  return keys
      .text("url", queue.url, "file:///path, nats://host:port, tls://host:port", meaning,
            queue_url_fault)
      .write(kQueueUrlsWanted, "file:///var/lib/backsight");
}

void describe_broker(Keys& keys, QueueConfig& queue, std::string_view who) {
  keys.path("credentials", queue.credentials, "who we are to a broker")
      .write("the path of a .creds file or of an nkey's seed", fmt::format("{}.nk", who))
      .if_absent("nobody");
  keys.path("tls_ca", queue.tls_ca, "certificates of who may sign the broker's")
      .write("the path of trusted certificates, PEM", "ca.pem")
      .if_absent("the system's");
  keys.path("tls_cert", queue.tls_cert, "our certificate, for brokers that ask")
      .write("the path of a certificate, PEM", fmt::format("{}.pem", who))
      .if_absent("none is shown");
  keys.path("tls_key", queue.tls_key, "the key of tls_cert")
      .write("the path of the certificate's key, PEM", fmt::format("{}.key", who))
      .if_absent("none");
  keys.check([&queue](Written& written) { check_certificate(written, queue); });
}

}  // namespace backsight::config
