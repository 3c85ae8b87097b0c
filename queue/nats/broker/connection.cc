#include "queue/nats/broker/connection.h"

#include <fmt/format.h>

#include <random>

#include "queue/nats/broker/credentials.h"

namespace backsight::queue::nats {

namespace {

constexpr std::int64_t kConnectMs = 2000;
constexpr std::int64_t kPingMs = 2000;
constexpr int kPingsUnanswered = 2;
constexpr int kTriesRefused = 3;
constexpr std::int64_t kWriteMs = 5000;

void ignore_error(natsConnection*, natsSubscription*, natsStatus, void*) {}

std::vector<std::string> servers_of(std::string_view url) {
  const std::string scheme(url.substr(0, url.find("://") + 3));
  std::vector<std::string> servers;
  while (true) {
    const std::size_t comma = url.find(',');
    const std::string server(url.substr(0, comma));
    servers.push_back(server.find("://") == std::string::npos ? scheme + server : server);
    if (comma == url.npos) return servers;
    url.remove_prefix(comma + 1);
  }
}

// What a person can do about a connection that does not come to be.
std::string remedy(natsStatus status) {
  switch (status) {
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
    case NATS_IO_ERROR:
      return "nobody answers there; is the NATS server running, and is the address right?";
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return "the server refuses us; check the credentials, and the server's users";
    case NATS_SECURE_CONNECTION_REQUIRED:
      return "the server wants TLS; write tls:// instead of nats://";
    case NATS_SECURE_CONNECTION_WANTED:
      return "the server does not speak TLS; write nats:// instead of tls://";
    case NATS_SSL_ERROR:
      return why(status) + "; check tls_ca, tls_cert and tls_key";
    default:
      return why(status);
  }
}

// cnats 3.4 takes a signature whose first byte is zero for an empty one (nats-io/nats.c, pull
// request 705), and the server refuses that: once in 256 times. The next connection has another
// nonce.
natsStatus connect(natsConnection*& made, natsOptions* options) {
  natsStatus connected = NATS_OK;
  for (int tries = 0; tries < kTriesRefused; ++tries) {
    connected = natsConnection_Connect(&made, options);
    if (connected != NATS_CONNECTION_AUTH_FAILED) break;
  }
  return connected;
}

Expected<void> use_tls(natsOptions* options, const QueueAddress& address) {
  const bool is_wanted =
      address.url.starts_with("tls:") || !address.tls_ca.empty() || !address.tls_cert.empty();
  if (!is_wanted) return {};
  natsStatus set = natsOptions_SetSecure(options, true);
  if (set == NATS_OK && !address.tls_ca.empty()) {
    set = natsOptions_LoadCATrustedCertificates(options, address.tls_ca.c_str());
    if (set != NATS_OK) {
      return bad_usage(
          fmt::format("tls_ca {}: not certificates in PEM: {}", address.tls_ca, why(set)));
    }
  }
  if (set == NATS_OK && !address.tls_cert.empty()) {
    set = natsOptions_LoadCertificatesChain(options, address.tls_cert.c_str(),
                                            address.tls_key.c_str());
    if (set != NATS_OK) {
      return bad_usage(fmt::format("tls_cert {} with tls_key {}: {}", address.tls_cert,
                                   address.tls_key, why(set)));
    }
  }
  if (set != NATS_OK) return bad_usage("TLS: " + why(set));
  return {};
}

}  // namespace

std::string why(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  if (last == status && text != nullptr && *text != '\0') return text;
  return natsStatus_GetText(status);
}

Expected<std::unique_ptr<Connection>> Connection::open(const QueueAddress& address,
                                                       const std::string& user,
                                                       const std::string& name) {
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK) return run_failed("no memory for a connection");
  const Options options(made);
  const std::vector<std::string> servers = servers_of(address.url);
  std::vector<const char*> texts;
  for (const std::string& server : servers) texts.push_back(server.c_str());
  std::unique_ptr<Connection> connection(new Connection(address.shown()));
  connection->user_ = user;
  const auto set = [&](natsStatus status) { return status == NATS_OK; };
  const std::string inbox = "_INBOX_" + user;
  const bool is_set =
      set(natsOptions_SetServers(made, texts.data(), static_cast<int>(texts.size()))) &&
      set(natsOptions_SetName(made, name.c_str())) &&
      set(natsOptions_SetTimeout(made, kConnectMs)) &&
      set(natsOptions_SetPingInterval(made, kPingMs)) &&
      set(natsOptions_SetMaxPingsOut(made, kPingsUnanswered)) &&
      set(natsOptions_SetWriteDeadline(made, kWriteMs)) &&
      set(natsOptions_SetAllowReconnect(made, false)) &&
      set(natsOptions_SetErrorHandler(made, ignore_error, nullptr)) &&
      set(natsOptions_SetCustomInboxPrefix(made, inbox.c_str()));
  if (!is_set) return bad_usage(fmt::format("queue {}: {}", address.shown(), why(NATS_ERR)));
  if (auto tls = use_tls(made, address); !tls) return tl::unexpected(tls.error());
  if (!address.credentials.empty()) {
    auto used = use_credentials(made, address.credentials);
    if (!used) return tl::unexpected(used.error());
    connection->credentials_ = std::move(*used);
  }
  const natsStatus connected = connect(connection->connection_, made);
  if (connected != NATS_OK) {
    return run_failed(fmt::format("{}: {}", address.shown(), remedy(connected)));
  }
  jsOptions js;
  jsOptions_Init(&js);
  js.Wait = kPatience.count();
  jsCtx* jet_stream = nullptr;
  const natsStatus got = natsConnection_JetStream(&jet_stream, connection->connection_, &js);
  connection->jet_stream_.reset(jet_stream);
  if (got != NATS_OK) return connection->failure("JetStream", got);
  return connection;
}

Connection::Connection(std::string shown) : shown_(std::move(shown)) {}

Connection::~Connection() {
  jet_stream_.reset();
  if (connection_ != nullptr) natsConnection_Destroy(connection_);  // and waits for its threads
}

bool Connection::is_open() const {
  return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
}

std::size_t Connection::max_payload() const {
  const std::int64_t most = natsConnection_GetMaxPayload(connection_);
  return most > 0 ? static_cast<std::size_t>(most) : 0;
}

std::string Connection::new_inbox() {
  std::random_device random;
  return fmt::format("_INBOX_{}.{:08x}{:08x}.{}", user_, random(), random(), ++inboxes_);
}

Expected<void> Connection::publish(const std::string& subject, std::span<const std::byte> body,
                                   std::span<const Header> headers, const std::string& reply) {
  natsMsg* made = nullptr;
  natsStatus status =
      natsMsg_Create(&made, subject.c_str(), reply.empty() ? nullptr : reply.c_str(),
                     reinterpret_cast<const char*>(body.data()), static_cast<int>(body.size()));
  const Message message(made);
  for (const auto& [key, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(made, key, value.c_str());
  }
  if (status == NATS_OK) status = natsConnection_PublishMsg(connection_, made);
  if (status == NATS_OK) return {};
  return failure(subject, status);
}

Expected<Subscription> Connection::subscribe(const std::string& subject) {
  natsSubscription* made = nullptr;
  natsStatus status = natsConnection_SubscribeSync(&made, connection_, subject.c_str());
  Subscription subscription(made, {ended_});
  // What may come is bounded by what is asked for, or small.
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(made, -1, -1);
  if (status == NATS_OK) return subscription;
  return failure(subject, status);
}

Expected<Subscription> Connection::subscribe(const std::string& subject, natsMsgHandler handler,
                                             const void* closure) {
  natsSubscription* made = nullptr;
  const natsStatus status = natsConnection_Subscribe(&made, connection_, subject.c_str(), handler,
                                                     const_cast<void*>(closure));
  Subscription subscription(made, {ended_});
  if (status == NATS_OK) return subscription;
  return failure(subject, status);
}

Message Connection::next_of(natsSubscription* subscription, std::chrono::milliseconds patience) {
  natsMsg* message = nullptr;
  if (natsSubscription_NextMsg(&message, subscription, patience.count()) != NATS_OK) return nullptr;
  return Message(message);
}

std::string Connection::refusal() const {
  const char* told = nullptr;
  if (natsConnection_GetLastError(connection_, &told) != NATS_NOT_PERMITTED) return {};
  return fmt::format("{}: {}; check the server's users", shown_,
                     told == nullptr ? "something is not permitted" : told);
}

tl::unexpected<Error> Connection::failure(std::string_view what, natsStatus status) const {
  const char* told = nullptr;
  natsConnection_GetLastError(connection_, &told);
  if (status == NATS_NO_RESPONDERS) {
    return run_failed(fmt::format(
        "{}: {}: nobody answers; is JetStream switched on in the server's config?", shown_, what));
  }
  const bool has_told = told != nullptr && *told != '\0';
  return run_failed(
      fmt::format("{}: {}: {}", shown_, what, has_told ? std::string(told) : why(status)));
}

}  // namespace backsight::queue::nats
