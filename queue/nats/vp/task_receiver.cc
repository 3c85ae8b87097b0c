#include "queue/nats/vp/task_receiver.h"

#include <fmt/format.h>

#include <cassert>

#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/broker/streams.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/subjects.h"
#include "storage/log/log_reader.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kPortion = 8;  // messages asked for at once; each may hold thousands of tasks
constexpr int kTakenAtOnce = 16;
constexpr auto kTell = 2s;  // a third of the time after which a message comes again
constexpr auto kForget = 10s;
constexpr auto kRetry = 1s;  // after the disk refused
// Tasks are here for a while only: small segments give the disk back soon.
constexpr storage::LogOptions kLogOptions{.segment_bytes = std::uint64_t{4} << 20};

// Tells the ledger of every message whose tasks stand in the log.
Expected<void> read_back(storage::FileSystem& files, const std::string& directory,
                         TaskLedger& ledger, std::vector<std::string>& complaints) {
  const auto segments = storage::list_segments(files, directory);
  if (!segments) return tl::unexpected(segments.error());
  if (segments->empty()) return {};
  storage::LogReader reader(files, directory, segments->front());
  while (true) {
    const auto record = reader.next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return {};
    const auto message = tasks::decode_tasks((*record)->payload);
    if (message) ledger.add(message->origin, (*record)->position, (*record)->end(), {});
  }
}

}  // namespace

TaskReceiver::TaskReceiver(std::unique_ptr<storage::MirroredWriter> log,
                           storage::DurableNumber forgotten, std::string vp, TaskLedger& ledger)
    : log_(std::move(log)),
      forgotten_(std::move(forgotten)),
      vp_(std::move(vp)),
      unusable_(vp_, task_subject(vp_), "tasks"),
      ledger_(ledger) {}

Expected<std::unique_ptr<TaskReceiver>> TaskReceiver::open(storage::FileSystem& files,
                                                           const std::string& directory,
                                                           const std::string& vp,
                                                           TaskLedger& ledger,
                                                           std::vector<std::string>& complaints) {
  auto log = storage::MirroredWriter::open(files, directory, kLogOptions);
  if (!log) return tl::unexpected(log.error());
  complaints.insert(complaints.end(), (*log)->complaints().begin(), (*log)->complaints().end());
  auto forgotten = storage::DurableNumber::open(files, directory, "forgotten");
  if (!forgotten) return tl::unexpected(forgotten.error());
  if (auto read = read_back(files, directory, ledger, complaints); !read) {
    return tl::unexpected(read.error());
  }
  return std::unique_ptr<TaskReceiver>(
      new TaskReceiver(std::move(*log), std::move(*forgotten), vp, ledger));
}

Expected<void> TaskReceiver::connect(Connection& connection) {
  connection_ = &connection;
  const auto created = created_ns(connection, kTaskStream);
  if (!created) return tl::unexpected(created.error());
  stream_created_ns_ = *created;
  // What was handed out and not acknowledged comes at once, and what a broker that died remembers
  // of messages that are gone (2.9.10) keeps no other back. Who may not renew it takes what is
  // there.
  if (!renew_consumer(connection, task_consumer(vp_))) {
    if (auto there = ensure_consumer(connection, task_consumer(vp_)); !there) return there;
  }
  auto feed = PullFeed::open(connection, kTaskStream, vp_, kPortion);
  if (!feed) return tl::unexpected(feed.error());
  feed_ = std::move(*feed);
  tell_at_ = Clock::now() + kTell;
  forget_at_ = Clock::now();
  return {};
}

void TaskReceiver::disconnect() {
  feed_.reset();
  connection_ = nullptr;
}

Expected<bool> TaskReceiver::pump(bool is_wanted, std::vector<std::string>& complaints) {
  bool did = false;
  for (int taken = 0; taken < kTakenAtOnce && is_wanted && Clock::now() >= retry_at_; ++taken) {
    const auto message = feed_->next(0ms);
    if (!message) return tl::unexpected(message.error());
    if (*message == nullptr) break;
    if (auto kept = take(message->get(), complaints); !kept) return tl::unexpected(kept.error());
    did = true;
  }
  if (auto told = acknowledge(); !told) return tl::unexpected(told.error());
  if (Clock::now() >= tell_at_) {
    tell_at_ = Clock::now() + kTell;
    if (auto told = publish_progress(); !told) return tl::unexpected(told.error());
  }
  if (Clock::now() >= forget_at_) {
    forget_at_ = Clock::now() + kForget;
    if (auto forgot = forget(); !forgot) return tl::unexpected(forgot.error());
  }
  return did;
}

Expected<void> TaskReceiver::take(natsMsg* message, std::vector<std::string>& complaints) {
  const auto leave = [&] { return unusable_.leave(*connection_, message, complaints); };
  const auto refuse = [&](std::string_view reason) {
    return unusable_.refuse(*connection_, message, reason, complaints);
  };
  jsMsgMetaData* got = nullptr;
  if (natsMsg_GetMetaData(&got, message) != NATS_OK) {
    return refuse("it comes from no stream");
  }
  const MetaData meta(got);
  const tasks::TaskOrigin origin{meta->Sequence.Stream,
                                 static_cast<std::uint64_t>(meta->Timestamp)};
  if (ledger_.take_redelivery(origin, std::string(reply_of(message)))) return {};
  if (origin.time_ns <= forgotten_.value()) {  // done, and the broker forgot that it was told so
    return connection_->publish(std::string(reply_of(message)), bytes_of(kAck));
  }
  const auto envelope = read_message(body_of(message));
  if (!envelope && envelope.error() == Fault::kNewer) return leave();
  if (!envelope) return refuse(describe(envelope.error()));
  auto tasks = tasks::decode_tasks(envelope->record.payload);
  if (!tasks) {
    if (tasks::is_of_newer_schema(envelope->record.payload)) return leave();
    return refuse(tasks.error().sentence);
  }
  if (tasks->vp != vp_) {
    return refuse(fmt::format("its tasks are for vantage point {}", printable(tasks->vp)));
  }
  if (tasks->tasks.empty()) return refuse("it holds no task");
  tasks->origin = origin;
  return keep(message, *tasks);
}

// The ledger knows of them before anybody can take and answer them. A disk that refuses is no fault
// of the connection's: the message comes again.
Expected<void> TaskReceiver::keep(natsMsg* message, const tasks::TaskMessage& tasks) {
  const auto count = static_cast<std::uint32_t>(tasks.tasks.size());
  const std::uint64_t position = log_->end();
  ledger_.add(tasks.origin, position, position + count, std::string(reply_of(message)));
  const auto first = log_->write(encoder_.encode(vp_, tasks.tasks, tasks.origin), count);
  if (!first) {
    ledger_.take_back();
    trouble_ = first.error().sentence + "; tasks wait at the broker";
    retry_at_ = Clock::now() + kRetry;
    return {};
  }
  assert(*first == position);
  trouble_.clear();
  return {};
}

Expected<void> TaskReceiver::acknowledge() {
  for (const std::string& reply : ledger_.take_done()) {
    if (auto told = connection_->publish(reply, bytes_of(kAck)); !told) return told;
  }
  return {};
}

Expected<void> TaskReceiver::publish_progress() {
  for (const std::string& reply : ledger_.undone()) {
    if (auto told = connection_->publish(reply, bytes_of(kInProgress)); !told) return told;
  }
  return {};
}

// What the broker has acknowledged to have heard never comes again: its tasks may leave the disk.
Expected<void> TaskReceiver::forget() {
  if (ledger_.size() == 0) return {};
  const auto acknowledged = acknowledged_below(*connection_, task_consumer(vp_));
  if (!acknowledged) return tl::unexpected(acknowledged.error());
  const std::uint64_t newest = ledger_.forgettable(*acknowledged, stream_created_ns_);
  if (newest == 0) return {};
  if (auto stored = forgotten_.store(newest); !stored) return {};
  ledger_.forget(*acknowledged, stream_created_ns_);
  log_->free_copy();
  return {};
}

}  // namespace backsight::queue::nats
