// Messages of a pull consumer, asked for in portions.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "config/error.h"
#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// Thread: one at a time.
class PullFeed {
 public:
  // At most `portion` messages are under way at once.
  [[nodiscard]] static Expected<std::unique_ptr<PullFeed>> open(Connection& connection,
                                                                const std::string& stream,
                                                                const std::string& consumer,
                                                                unsigned portion);

  // The next message; nothing when there is none within `patience`. Fails when the consumer is
  // gone.
  [[nodiscard]] Expected<Message> next(std::chrono::milliseconds patience);
  // Waits for a message, so long at the most; next() returns it. False: none came.
  bool await(std::chrono::milliseconds patience);
  // Whether a request is waiting at the broker: silence then means that there is nothing.
  [[nodiscard]] bool is_waiting() const noexcept { return under_way_ > 0; }

 private:
  using Clock = std::chrono::steady_clock;

  PullFeed(Connection& connection, std::string_view consumer, unsigned portion);
  [[nodiscard]] Expected<void> ask();
  [[nodiscard]] Expected<void> apply_status(natsMsg* status);
  [[nodiscard]] Expected<void> check(natsMsg* info) const;

  Connection& connection_;
  std::string subject_;       // asks for messages
  std::string info_subject_;  // asks whether the consumer is there
  std::string inbox_;
  std::string info_inbox_;
  unsigned portion_;
  Subscription subscription_;
  Message awaited_;            // came, and was not asked for yet
  unsigned under_way_ = 0;     // messages that may still come of the last request
  unsigned request_ = 0;       // its number: the end of the inbox's name
  bool is_silent_ = true;      // nothing came since it
  Clock::time_point ends_at_;  // when the broker forgets it
  Clock::time_point again_at_;
};

// Acknowledgements, as the protocol writes them.
inline constexpr std::string_view kAck = "+ACK";
inline constexpr std::string_view kInProgress = "+WPI";
inline constexpr std::string_view kTerminate = "+TERM";

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace backsight::queue::nats
