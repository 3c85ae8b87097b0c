#include "queue/nats/broker/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "queue/nats/wire/puback.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue::nats {

namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kDedupeNs = 120 * kNsPerSecond;
constexpr std::int64_t kDeadBytes = std::int64_t{64} << 20;

struct Wanted {
  const char* name;
  std::vector<const char*> subjects;
  jsRetentionPolicy retention = js_LimitsPolicy;
  jsDiscardPolicy discard = js_DiscardOld;
  std::int64_t max_bytes = -1;
  std::int64_t max_per_subject = -1;
};

std::vector<Wanted> wanted_streams(const StreamSizes& sizes) {
  return {{.name = kTaskStream,
           .subjects = {"backsight.v1.tasks.*"},
           .retention = js_WorkQueuePolicy,
           .discard = js_DiscardNew,
           .max_bytes = sizes.task_bytes},
          {.name = kResultStream,
           .subjects = {"backsight.v1.results.*"},
           .retention = js_WorkQueuePolicy,
           .discard = js_DiscardNew,
           .max_bytes = sizes.result_bytes},
          {.name = kStateStream,
           .subjects = {"backsight.v1.commit.>", "backsight.v1.status.*"},
           .max_per_subject = 1},
          {.name = kDeadStream, .subjects = {"backsight.v1.dead.*"}, .max_bytes = kDeadBytes}};
}

bool has_subjects(const jsStreamConfig& config, const Wanted& wanted) {
  return std::ranges::all_of(wanted.subjects, [&](std::string_view subject) {
    const std::span has(config.Subjects, static_cast<std::size_t>(config.SubjectsLen));
    return std::ranges::any_of(has, [&](const char* one) { return one == subject; });
  });
}

// What is wrong with a stream that is there; empty: nothing.
std::string fault_of(const jsStreamConfig& config, const Wanted& wanted) {
  if (!has_subjects(config, wanted)) {
    return fmt::format("does not take {}", fmt::join(wanted.subjects, " and "));
  }
  if (config.Retention != wanted.retention) {
    return wanted.retention == js_WorkQueuePolicy
               ? "is no work queue, so it would give messages that were done again"
               : "does not keep its messages (its retention must be \"limits\")";
  }
  if (wanted.discard == js_DiscardNew && config.Discard != js_DiscardNew) {
    return "drops old messages when it is full (its discard must be \"new\")";
  }
  if (wanted.retention == js_WorkQueuePolicy && config.MaxAge != 0) {
    return "drops messages for their age (max_age must be 0)";
  }
  if (wanted.retention == js_WorkQueuePolicy &&
      (config.MaxMsgsPerSubject > 0 || config.NoAck || config.Storage != js_FileStorage)) {
    return "does not keep every message on disk (it must have file storage, no_ack off, and no "
           "max_msgs_per_subject)";
  }
  if (config.MaxMsgSize > 0 && static_cast<std::size_t>(config.MaxMsgSize) < kMaxMessageBytes) {
    return fmt::format("takes no message above {} bytes (max_msg_size must be {} or none)",
                       config.MaxMsgSize, kMaxMessageBytes);
  }
  return {};
}

Expected<StreamInfo> find_stream(Connection& connection, const char* name, bool& is_missing) {
  jsStreamInfo* info = nullptr;
  jsErrCode code{};
  const natsStatus got = js_GetStreamInfo(&info, connection.jet_stream(), name, nullptr, &code);
  StreamInfo found(info);
  is_missing = got == NATS_NOT_FOUND || code == JSStreamNotFoundErr;
  if (got == NATS_OK || is_missing) return found;
  return connection.failure(fmt::format("stream {}", name), got);
}

Expected<void> make_stream(Connection& connection, const Wanted& wanted, int replicas) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = wanted.name;
  std::vector<const char*> subjects = wanted.subjects;
  config.Subjects = subjects.data();
  config.SubjectsLen = static_cast<int>(subjects.size());
  config.Retention = wanted.retention;
  config.Discard = wanted.discard;
  config.Storage = js_FileStorage;
  config.Replicas = replicas;
  config.MaxBytes = wanted.max_bytes;
  config.MaxMsgsPerSubject = wanted.max_per_subject;
  config.Duplicates = kDedupeNs;
  jsStreamInfo* info = nullptr;
  jsErrCode code{};
  const natsStatus made = js_AddStream(&info, connection.jet_stream(), &config, nullptr, &code);
  const StreamInfo created(info);
  if (made == NATS_OK || code == JSStreamNameExistErr) return {};
  return run_failed(fmt::format(
      "{}; it is not there and cannot be made by us: let an administrator run \"backsight queue "
      "setup\"",
      connection.failure(fmt::format("stream {}", wanted.name), made).value().sentence));
}

Expected<void> ensure_stream(Connection& connection, const Wanted& wanted, int replicas) {
  bool is_missing = false;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto found = find_stream(connection, wanted.name, is_missing);
    if (!found) return tl::unexpected(found.error());
    if (!is_missing) {
      const std::string fault = fault_of(*(*found)->Config, wanted);
      if (fault.empty()) return {};
      return run_failed(
          fmt::format("{}: stream {} {}; somebody else made it: change it, or remove it and it is "
                      "made anew",
                      connection.shown(), wanted.name, fault));
    }
    if (auto made = make_stream(connection, wanted, replicas); !made) return made;
  }
  return {};
}

std::string consumer_text(const PullConsumer& consumer) {
  return fmt::format("consumer {} of stream {}", consumer.name, consumer.stream);
}

// The subject of the request holds the filter, so that a user may be allowed this one and no other
// (server 2.9 and newer; the library's own call does not do that).
Expected<void> make_consumer(Connection& connection, const PullConsumer& consumer) {
  const auto ack_wait = std::chrono::duration_cast<std::chrono::nanoseconds>(consumer.ack_wait);
  const std::string request = fmt::format(
      R"({{"stream_name":"{}","config":{{"name":"{}","durable_name":"{}","deliver_policy":"all",)"
      R"("ack_policy":"explicit","ack_wait":{},"max_deliver":-1,"max_ack_pending":{},)"
      R"("filter_subject":"{}","replay_policy":"instant"}}}})",
      consumer.stream, consumer.name, consumer.name, ack_wait.count(), consumer.max_ack_pending,
      consumer.subject);
  const std::string subject = fmt::format("$JS.API.CONSUMER.CREATE.{}.{}.{}", consumer.stream,
                                          consumer.name, consumer.subject);
  natsMsg* got = nullptr;
  const natsStatus asked = natsConnection_RequestString(&got, connection.get(), subject.c_str(),
                                                        request.c_str(), kPatience.count());
  const Message answer(got);
  const std::string refusal = asked == NATS_OK ? api_error(text_of(got)) : std::string();
  if (asked == NATS_OK && refusal.empty()) return {};
  return run_failed(fmt::format(
      "{}; it is not there and cannot be made by us: let an administrator run \"backsight queue "
      "setup --vp {}\"",
      asked == NATS_OK
          ? fmt::format("{}: {}: {}", connection.shown(), consumer_text(consumer), refusal)
          : connection.failure(consumer_text(consumer), asked).value().sentence,
      consumer.name));
}

}  // namespace

Expected<void> ensure_streams(Connection& connection, const StreamSizes& sizes) {
  for (const Wanted& wanted : wanted_streams(sizes)) {
    if (auto there = ensure_stream(connection, wanted, sizes.replicas); !there) return there;
  }
  return {};
}

Expected<void> ensure_consumer(Connection& connection, const PullConsumer& consumer) {
  jsConsumerInfo* got = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetConsumerInfo(&got, connection.jet_stream(), consumer.stream,
                                               consumer.name.c_str(), nullptr, &code);
  const ConsumerInfo info(got);
  if (status == NATS_NOT_FOUND || code == JSConsumerNotFoundErr) {
    return make_consumer(connection, consumer);
  }
  if (status != NATS_OK) return connection.failure(consumer_text(consumer), status);
  const jsConsumerConfig& config = *info->Config;
  const bool is_ours = config.FilterSubject != nullptr &&
                       config.FilterSubject == consumer.subject &&
                       config.AckPolicy == js_AckExplicit && config.DeliverSubject == nullptr &&
                       config.MaxDeliver <= 0;
  if (is_ours) return {};
  return run_failed(
      fmt::format("{}: {} is not set as it must be (pull, filter {}, explicit acks, no "
                  "max_deliver); somebody else made it: remove it and it is made anew",
                  connection.shown(), consumer_text(consumer), consumer.subject));
}

Expected<void> renew_consumer(Connection& connection, const PullConsumer& consumer) {
  jsErrCode code{};
  const natsStatus removed = js_DeleteConsumer(connection.jet_stream(), consumer.stream,
                                               consumer.name.c_str(), nullptr, &code);
  const bool is_gone =
      removed == NATS_OK || removed == NATS_NOT_FOUND || code == JSConsumerNotFoundErr;
  if (!is_gone) return connection.failure(consumer_text(consumer), removed);
  return make_consumer(connection, consumer);
}

PullConsumer task_consumer(const std::string& vp) {
  return {.stream = kTaskStream, .name = vp, .subject = task_subject(vp)};
}

PullConsumer result_consumer(const std::string& vp) {
  return {.stream = kResultStream,
          .name = vp,
          .subject = result_subject(vp),
          .ack_wait = std::chrono::seconds(60),
          .max_ack_pending = 1000};
}

Expected<std::uint64_t> created_ns(Connection& connection, const char* stream) {
  bool is_missing = false;
  const auto found = find_stream(connection, stream, is_missing);
  if (!found) return tl::unexpected(found.error());
  if (is_missing) return run_failed(fmt::format("{}: no stream {}", connection.shown(), stream));
  return static_cast<std::uint64_t>((*found)->Created);
}

Expected<std::uint64_t> acknowledged_below(Connection& connection, const PullConsumer& consumer) {
  jsConsumerInfo* got = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetConsumerInfo(&got, connection.jet_stream(), consumer.stream,
                                               consumer.name.c_str(), nullptr, &code);
  const ConsumerInfo info(got);
  if (status != NATS_OK) return connection.failure(consumer_text(consumer), status);
  return info->AckFloor.Stream;
}

Expected<Message> last_state(Connection& connection, const std::string& subject) {
  natsMsg* got = nullptr;
  jsErrCode code{};
  const natsStatus status =
      js_GetLastMsg(&got, connection.jet_stream(), kStateStream, subject.c_str(), nullptr, &code);
  Message message(got);
  if (status == NATS_OK || status == NATS_NOT_FOUND || code == JSNoMessageFoundErr) return message;
  return connection.failure(subject, status);
}

}  // namespace backsight::queue::nats
