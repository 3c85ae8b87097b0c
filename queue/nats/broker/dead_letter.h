// Messages that cannot be used are put aside on the broker, whole, each with the reason, so that a
// person can look at them and nothing waits for them.
#pragma once

#include <string>
#include <string_view>

#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// Puts `message` aside for `vp`, and off its work queue. Returns the sentence to tell.
[[nodiscard]] Expected<std::string> put_aside(Connection& connection, const std::string& vp,
                                              natsMsg* message, std::string_view reason);

// Leaves it to a later program: comes again in a minute.
[[nodiscard]] Expected<void> put_off(Connection& connection, natsMsg* message);

// What a message from outside may be called in a sentence: printable, and not long.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace backsight::queue::nats
