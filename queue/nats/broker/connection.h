// One connection to a broker. It does not mend itself: when it breaks, whoever uses it makes
// another one and begins anew from what is on disk, so that nothing depends on what the library
// remembers.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/error.h"
#include "queue/address.h"
#include "queue/nats/broker/library.h"

namespace backsight::queue::nats {

struct Credentials;

// How long the broker may take for an answer.
inline constexpr std::chrono::milliseconds kPatience{2000};

// Thread: one at a time.
class Connection {
 public:
  // `user` is the inbox's name: answers to us come to _INBOX_user.>, which nobody else needs to
  // hear. `name` is what the broker's operator sees.
  [[nodiscard]] static Expected<std::unique_ptr<Connection>> open(const QueueAddress& address,
                                                                  const std::string& user,
                                                                  const std::string& name);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool is_open() const;
  [[nodiscard]] natsConnection* get() const noexcept { return connection_; }
  [[nodiscard]] jsCtx* jet_stream() const noexcept { return jet_stream_.get(); }
  [[nodiscard]] const std::string& shown() const noexcept { return shown_; }
  [[nodiscard]] std::size_t max_payload() const;
  // A subject of our own for answers; ends with its own name.
  [[nodiscard]] std::string new_inbox();

  using Header = std::pair<const char*, std::string>;
  [[nodiscard]] Expected<void> publish(const std::string& subject, std::span<const std::byte> body,
                                       std::span<const Header> headers = {},
                                       const std::string& reply = {});
  [[nodiscard]] Expected<Subscription> subscribe(const std::string& subject);
  // The same, but messages go to `handler`, in a thread of the library's, with `closure`.
  [[nodiscard]] Expected<Subscription> subscribe(const std::string& subject, natsMsgHandler handler,
                                                 const void* closure);
  // Nothing: none is there.
  [[nodiscard]] Message next_of(natsSubscription* subscription, std::chrono::milliseconds patience);

  // What the server did not permit last on this connection, as a sentence; empty: nothing. What was
  // asked for then gets no other answer.
  [[nodiscard]] std::string refusal() const;
  // "nats://host:4222: WHAT: why", where the library or the broker said why.
  [[nodiscard]] tl::unexpected<Error> failure(std::string_view what, natsStatus status) const;

 private:
  explicit Connection(std::string shown);

  std::string shown_;
  std::string user_;
  std::unique_ptr<const Credentials> credentials_;
  std::shared_ptr<EndedSubscriptions> ended_ = std::make_shared<EndedSubscriptions>();
  natsConnection* connection_ = nullptr;
  JetStream jet_stream_;
  unsigned inboxes_ = 0;
};

// What the library says of this status, with what it knows beside.
[[nodiscard]] std::string why(natsStatus status);

}  // namespace backsight::queue::nats
