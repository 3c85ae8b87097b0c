// The streams and consumers on the broker: found right, made when they are missing and we may, or
// refused with what is wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/error.h"
#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// Of streams that are made. What is there keeps its sizes and replicas.
struct StreamSizes {
  int replicas = 1;  // 3 in a cluster
  std::int64_t task_bytes = std::int64_t{1} << 30;
  std::int64_t result_bytes = std::int64_t{4} << 30;
};

// A batch of results with all that is around it, at the most.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{256} << 10;

// Every stream: a work queue drops nothing that nobody has acknowledged, and refuses what finds no
// room. Fails with one sentence for the first that is otherwise.
[[nodiscard]] Expected<void> ensure_streams(Connection& connection, const StreamSizes& sizes = {});

// Of a work queue's messages for one vantage point.
struct PullConsumer {
  const char* stream;
  std::string name;
  std::string subject;
  std::chrono::seconds ack_wait{6};
  int max_ack_pending = 1000;
};
[[nodiscard]] Expected<void> ensure_consumer(Connection& connection, const PullConsumer& consumer);
// Forgets what was handed out and not acknowledged: it comes again at once.
[[nodiscard]] Expected<void> renew_consumer(Connection& connection, const PullConsumer& consumer);

[[nodiscard]] PullConsumer task_consumer(const std::string& vp);
[[nodiscard]] PullConsumer result_consumer(const std::string& vp);

// When the broker made the stream, in Unix time.
[[nodiscard]] Expected<std::uint64_t> created_ns(Connection& connection, const char* stream);
// Number of the last message such that it and all before it are acknowledged.
[[nodiscard]] Expected<std::uint64_t> acknowledged_below(Connection& connection,
                                                         const PullConsumer& consumer);

// The last message of a subject in kStateStream; nothing: there is none yet.
[[nodiscard]] Expected<Message> last_state(Connection& connection, const std::string& subject);

}  // namespace backsight::queue::nats
