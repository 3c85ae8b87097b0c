// Messages that cannot be used are put aside on the broker, whole, each with the reason, so that a
// person can look at them and nothing waits for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// What one consumer cannot use of a vantage point's messages. Errors are the connection's.
// Thread: one at a time.
class DeadLetters {
 public:
  // `subject` is that of the messages, which hold `what`: "tasks", "results".
  DeadLetters(std::string vp, std::string subject, std::string what)
      : vp_(std::move(vp)), subject_(std::move(subject)), what_(std::move(what)) {}

  // Puts the message aside, off its work queue, and tells that.
  [[nodiscard]] Expected<void> refuse(Connection& connection, natsMsg* message,
                                      std::string_view reason,
                                      std::vector<std::string>& complaints);
  // Leaves it to a program of a later version, and tells the first one: comes again in a minute.
  [[nodiscard]] Expected<void> leave(Connection& connection, natsMsg* message,
                                     std::vector<std::string>& complaints);
  // How many were put aside.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  std::string vp_;
  std::string subject_;
  std::string what_;
  std::uint64_t count_ = 0;
  bool is_newer_told_ = false;
};

// What a message from outside may be called in a sentence: printable, and not long.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace backsight::queue::nats
