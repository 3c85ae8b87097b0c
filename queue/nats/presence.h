// Who consumes the results of a vantage point answers when asked, so that a second one is refused.
#pragma once

#include <string>

#include "config/error.h"
#include "queue/nats/connection.h"

namespace backsight::queue::nats {

// Fails, and says who, if somebody is there; else answers as long as the subscription lives.
[[nodiscard]] Expected<Subscription> claim_results(Connection& connection, const std::string& vp);

}  // namespace backsight::queue::nats
