#include "queue/nats/consumer/nats_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/broker/streams.h"
#include "queue/nats/consumer/claim.h"
#include "queue/nats/wire/commit_mark.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kPortion = 64;  // messages asked for at once, of 128 KiB at the most
constexpr std::chrono::milliseconds kReconnect{500};
// What the server does not permit, somebody must mend there: looked for again so often.
constexpr std::chrono::milliseconds kAfterRefusal{1000};
// Silence after which what is missing is asked for; doubled as long as it stays missing.
constexpr std::chrono::milliseconds kFirstAsk{1000};
constexpr std::chrono::milliseconds kMostAsk{10'000};
constexpr auto kTellAgain = 1s;
constexpr unsigned kAsksOfAConsumer = 2;

}  // namespace

NatsResultSource::NatsResultSource(QueueAddress address, std::string vp,
                                   std::unique_ptr<CommitBook> book)
    : address_(std::move(address)),
      vp_(std::move(vp)),
      unusable_(vp_, result_subject(vp_), "results"),
      book_(std::move(book)),
      taken_(book_->logs()),
      ask_wait_(kFirstAsk) {}

NatsResultSource::~NatsResultSource() {
  if (connection_ != nullptr) natsConnection_FlushTimeout(connection_->get(), kPatience.count());
  disconnect();
}

Expected<std::unique_ptr<NatsResultSource>> NatsResultSource::open(const QueueAddress& address,
                                                                   const std::string& vp,
                                                                   bool& is_taken) {
  is_taken = false;
  auto book = CommitBook::open(storage::posix_file_system(), address.state, vp);
  if (!book) return tl::unexpected(book.error());
  std::unique_ptr<NatsResultSource> source(new NatsResultSource(address, vp, std::move(*book)));
  if (auto connected = source->connect(); !connected) {
    is_taken = source->is_taken_;
    return tl::unexpected(connected.error());
  }
  return source;
}

Expected<void> NatsResultSource::connect() {
  is_taken_ = false;
  auto connection = Connection::open(address_, "backsight", "backsight consumer of " + vp_);
  if (!connection) return tl::unexpected(connection.error());
  connection_ = std::move(*connection);
  if (auto there = ensure_streams(*connection_); !there) return there;
  auto claimed = claim_results(*connection_, vp_, is_taken_);
  if (!claimed) return tl::unexpected(claimed.error());
  presence_ = std::move(*claimed);
  if (auto made = renew_consumer(*connection_, result_consumer(vp_)); !made) return made;
  auto status = connection_->subscribe(status_subject(vp_));
  if (!status) return tl::unexpected(status.error());
  status_ = std::move(*status);
  auto feed = PullFeed::open(*connection_, kResultStream, vp_, kPortion);
  if (!feed) return tl::unexpected(feed.error());
  feed_ = std::move(*feed);
  heard_at_ = Clock::now();
  is_proven_ = false;
  well_at_ = heard_at_ + (is_refused_ ? kAfterRefusal : 0ms);
  return {};
}

// What was returned and not committed comes again, to be acknowledged then.
void NatsResultSource::disconnect() {
  feed_.reset();
  status_.reset();
  presence_.reset();
  replies_.clear();
  connection_.reset();
  connect_at_ = Clock::now() + (is_refused_ ? kAfterRefusal : kReconnect);
}

void NatsResultSource::disconnect(std::string why, std::vector<std::string>& complaints) {
  disconnect();
  if (trouble_ == why) return;
  trouble_ = std::move(why);
  complaints.push_back(trouble_ + "; trying again");
}

Expected<std::optional<StoredResults>> NatsResultSource::next(
    std::vector<std::string>& complaints) {
  if (connection_ == nullptr) {
    if (Clock::now() < connect_at_) return std::nullopt;
    if (auto connected = connect(); !connected) {
      disconnect(connected.error().sentence, complaints);
      if (is_taken_) return tl::unexpected(connected.error());
      return std::nullopt;
    }
  }
  auto found = look(complaints);
  if (found) return found;
  disconnect(found.error().sentence, complaints);
  return std::nullopt;
}

// The server says in its own time what it does not permit, and answers such a request never. An
// earlier trouble is over when the server has heard all that we ask for and has no objection.
Expected<void> NatsResultSource::prove() {
  if (!is_proven_ && feed_->is_waiting()) {
    const natsStatus heard = natsConnection_FlushTimeout(connection_->get(), kPatience.count());
    if (heard != NATS_OK) return connection_->failure(result_subject(vp_), heard);
    is_proven_ = true;
  }
  auto refusal = connection_->refusal();
  is_refused_ = !refusal.empty();
  if (is_refused_) return tl::unexpected(Error{ErrorCode::kRunFailed, std::move(refusal)});
  if (is_proven_ && Clock::now() >= well_at_) trouble_.clear();
  return {};
}

Expected<std::optional<StoredResults>> NatsResultSource::look(
    std::vector<std::string>& complaints) {
  if (!connection_->is_open()) return connection_->failure("the connection broke", NATS_OK);
  while (true) {
    auto message = feed_->next(0ms);
    if (!message) return tl::unexpected(message.error());
    if (*message == nullptr) break;
    heard_at_ = Clock::now();
    auto results = open_message(std::move(*message), complaints);
    if (!results || *results) return results;
  }
  if (auto proven = prove(); !proven) return tl::unexpected(proven.error());
  if (auto done = apply_status(); !done) return tl::unexpected(done.error());
  if (auto asked = ask_again(complaints); !asked) return tl::unexpected(asked.error());
  return std::nullopt;
}

// Returns nothing for one that was given before, or cannot be.
Expected<std::optional<StoredResults>> NatsResultSource::open_message(
    Message message, std::vector<std::string>& complaints) {
  const auto passed = [](Expected<void> done) -> Expected<std::optional<StoredResults>> {
    if (!done) return tl::unexpected(done.error());
    return std::nullopt;
  };
  const auto leave = [&] { return unusable_.leave(*connection_, message.get(), complaints); };
  const auto refuse = [&](std::string_view reason) {
    return unusable_.refuse(*connection_, message.get(), reason, complaints);
  };
  const auto envelope = read_message(body_of(message.get()));
  if (!envelope && envelope.error() == Fault::kNewer) return passed(leave());
  if (!envelope) return passed(refuse(describe(envelope.error())));
  const storage::LogRecord& record = envelope->record;
  auto results = tasks::decode_results(record.payload);
  if (!results && tasks::is_of_newer_schema(record.payload)) return passed(leave());
  if (!results) return passed(refuse(results.error().sentence));
  if (results->head.vp != vp_ || results->head.log == 0 ||
      results->results.size() != record.count) {
    return passed(refuse("its head does not fit its subject or its contents"));
  }
  const auto taken = load_log_state(results->head.log);
  if (!taken) return tl::unexpected(taken.error());
  const std::string reply(reply_of(message.get()));
  if ((*taken)->contains(record.position, record.end())) {
    ++duplicates_;
    if (is_committed(results->head.log, *envelope)) {
      return passed(connection_->publish(reply, bytes_of(kAck)));
    }
    replies_.push_back(reply);
    return std::nullopt;
  }
  (*taken)->insert(envelope->after, record.end());
  to_commit_.insert(results->head.log);
  replies_.push_back(reply);
  ask_wait_ = kFirstAsk;
  asks_in_vain_ = 0;
  return StoredResults{std::move(*results), record.position, record.end()};
}

bool NatsResultSource::is_committed(std::uint64_t log, const Envelope& envelope) const {
  const auto found = book_->logs().find(log);
  return found != book_->logs().end() &&
         found->second.contains(envelope.record.position, envelope.record.end());
}

// A log that our book does not know may be known to the broker: another consumer's disk, or ours
// that was lost.
Expected<storage::RangeSet*> NatsResultSource::load_log_state(std::uint64_t log) {
  const auto found = taken_.find(log);
  if (found != taken_.end()) return &found->second;
  const auto last = last_state(*connection_, commit_subject(vp_, log));
  if (!last) return tl::unexpected(last.error());
  storage::RangeSet& taken = taken_[log];
  if (*last == nullptr) return &taken;
  const auto mark = parse_commit_mark(text_of(last->get()));
  if (mark) taken.insert(storage::kFirstPosition, mark->low);
  return &taken;
}

Expected<void> NatsResultSource::apply_status() {
  while (const Message status = connection_->next_of(status_.get(), 0ms)) {
    const auto log = parse_number(header_of(status.get(), kLogHeader), 16);
    const auto sent = parse_number(header_of(status.get(), kSentHeader));
    const auto committed = parse_number(header_of(status.get(), kCommittedHeader));
    if (!log || !sent || !committed || *log == 0) continue;
    log_ = *log;
    sent_below_ = *sent;
    known_committed_ = *committed;
    const auto taken = load_log_state(log_);
    if (!taken) return tl::unexpected(taken.error());
    // What it has freed was committed once, and never comes again.
    if (!(*taken)->contains(storage::kFirstPosition, *committed)) {
      (*taken)->insert(storage::kFirstPosition, *committed);
      to_commit_.insert(log_);
    }
  }
  return {};
}

// The vantage point says that the broker has more than we were given, and the broker gives nothing.
Expected<void> NatsResultSource::ask_again(std::vector<std::string>& complaints) {
  const auto now = Clock::now();
  const auto committed = book_->logs().find(log_);
  const std::uint64_t low =
      committed == book_->logs().end() ? storage::kFirstPosition : committed->second.low();
  if (low > known_committed_ && now >= tell_at_) {
    tell_at_ = now + kTellAgain;
    if (auto told = publish_commit_mark(log_, 0); !told) return told;
  }
  const auto taken = taken_.find(log_);
  if (log_ == 0 || taken == taken_.end() || !feed_->is_waiting()) return {};
  if (now - heard_at_ < kFirstAsk || now < ask_at_) return {};
  const auto gap = taken->second.gap_end();
  const std::uint64_t missing_end = gap ? *gap : sent_below_;
  if (missing_end <= taken->second.low()) return {};
  ask_at_ = now + ask_wait_;
  ask_wait_ = std::min(ask_wait_ * 2, kMostAsk);
  if (auto told = publish_commit_mark(log_, missing_end); !told) return told;
  // A server that mended a damaged store may give numbers out again that our consumer is past: what
  // is sent again then never comes to it, and comes to a new one.
  if (++asks_in_vain_ % kAsksOfAConsumer == 0) {
    if (asks_in_vain_ == 2 * kAsksOfAConsumer) {
      complaints.push_back(fmt::format(
          "{}: results {} to {} do not come though they were sent again: if that stays so, the "
          "server's store is damaged; \"backsight queue setup --renew-results\" makes it anew",
          result_subject(vp_), taken->second.low(), missing_end - 1));
    }
    disconnect();
  }
  return {};
}

Expected<void> NatsResultSource::publish_commit_mark(std::uint64_t log, std::uint64_t again_end) {
  const auto committed = book_->logs().find(log);
  const std::uint64_t low =
      committed == book_->logs().end() ? storage::kFirstPosition : committed->second.low();
  const CommitMark mark{low, again_end > low ? again_end : 0};
  return connection_->publish(commit_subject(vp_, log), bytes_of(to_text(mark)));
}

Expected<void> NatsResultSource::commit() {
  if (!to_commit_.empty()) {
    if (auto stored = book_->store(taken_); !stored) return stored;
  }
  // From here on a broken connection only delays what the vantage point learns.
  const auto logs = std::exchange(to_commit_, {});
  const auto replies = std::exchange(replies_, {});
  if (connection_ == nullptr) return {};
  for (const std::uint64_t log : logs) (void)publish_commit_mark(log, 0);
  for (const std::string& reply : replies) (void)connection_->publish(reply, bytes_of(kAck));
  return {};
}

Expected<std::unique_ptr<NatsResultTail>> NatsResultTail::open(
    std::shared_ptr<Connection> connection, const std::string& vp) {
  auto subscription = connection->subscribe(result_subject(vp));
  if (!subscription) return tl::unexpected(subscription.error());
  if (natsConnection_FlushTimeout(connection->get(), kPatience.count()) != NATS_OK) {
    return connection->failure(result_subject(vp), NATS_TIMEOUT);
  }
  return std::unique_ptr<NatsResultTail>(
      new NatsResultTail(std::move(connection), std::move(*subscription)));
}

Expected<std::optional<StoredResults>> NatsResultTail::next(std::vector<std::string>& complaints) {
  while (const Message message = connection_->next_of(subscription_.get(), 0ms)) {
    const auto envelope = read_message(body_of(message.get()));
    if (!envelope) {
      complaints.push_back(
          fmt::format("a message of results is left out: {}", describe(envelope.error())));
      continue;
    }
    auto results = tasks::decode_results(envelope->record.payload);
    if (!results) {
      complaints.push_back(results.error().sentence);
      continue;
    }
    storage::RangeSet& seen = seen_[results->head.log];
    const storage::LogRecord& record = envelope->record;
    if (seen.contains(record.position, record.end())) continue;
    seen.insert(record.position, record.end());
    return StoredResults{std::move(*results), record.position, record.end()};
  }
  if (!connection_->is_open()) return connection_->failure("the connection broke", NATS_OK);
  return std::nullopt;
}

}  // namespace backsight::queue::nats
