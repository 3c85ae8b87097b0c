// The queue over a broker, for those who use vantage points.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "queue/client.h"
#include "queue/nats/broker/streams.h"

namespace backsight::queue::nats {

[[nodiscard]] Expected<std::unique_ptr<QueueClient>> open_client(const QueueAddress& address);

// What an administrator does once: makes the streams that are missing, and for each vantage point
// the consumers that it may use and not make. Returns what there is, one sentence each.
[[nodiscard]] Expected<std::vector<std::string>> set_up(const QueueAddress& address,
                                                        const StreamSizes& sizes,
                                                        const std::vector<std::string>& vps);

// Removes the stream of results, with a store that is damaged, and makes it anew. Vantage points
// send again what is not committed.
[[nodiscard]] Expected<void> renew_results(const QueueAddress& address, const StreamSizes& sizes);

}  // namespace backsight::queue::nats
