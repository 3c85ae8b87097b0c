// Who consumes the results of a vantage point answers when asked, so that a second one is refused.
#pragma once

#include <cstdint>
#include <string>

#include "config/error.h"
#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// One that does not answer in this time is no obstacle.
inline constexpr std::int64_t kAnswerMs = 300;

// For a person who looks for it: "process 12 on host".
[[nodiscard]] std::string this_process();

// Fails, and says who, if somebody is there (`is_taken`); else answers as long as the subscription
// lives.
[[nodiscard]] Expected<Subscription> claim_results(Connection& connection, const std::string& vp,
                                                   bool& is_taken);

}  // namespace backsight::queue::nats
