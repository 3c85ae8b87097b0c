// The one consumer of a vantage point's results on a broker. Each message names the positions of
// its results in the vantage point's log; what was committed is kept in a book on our disk, so that
// a message that comes twice is given once. What is missing is asked for again.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/consumer/commit_book.h"
#include "queue/nats/wire/message.h"
#include "queue/result_source.h"

namespace backsight::queue::nats {

// Thread: one at a time.
class NatsResultSource final : public ResultSource {
 public:
  // Fails when somebody else consumes the results of this vantage point; `is_taken` says so.
  [[nodiscard]] static Expected<std::unique_ptr<NatsResultSource>> open(const QueueAddress& address,
                                                                        const std::string& vp,
                                                                        bool& is_taken);
  ~NatsResultSource() override;

  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;
  [[nodiscard]] Expected<void> commit() override;
  [[nodiscard]] std::string trouble() const override { return trouble_; }

  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  [[nodiscard]] std::uint64_t dead_letters() const noexcept { return unusable_.count(); }

 private:
  using Clock = std::chrono::steady_clock;

  NatsResultSource(QueueAddress address, std::string vp, std::unique_ptr<CommitBook> book);

  [[nodiscard]] Expected<void> connect();
  void disconnect(std::string why, std::vector<std::string>& complaints);
  void disconnect();
  [[nodiscard]] Expected<void> prove();
  [[nodiscard]] Expected<std::optional<StoredResults>> look(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<std::optional<StoredResults>> open_message(
      Message message, std::vector<std::string>& complaints);
  [[nodiscard]] Expected<storage::RangeSet*> load_log_state(std::uint64_t log);
  [[nodiscard]] Expected<void> apply_status();
  [[nodiscard]] Expected<void> ask_again(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<void> publish_commit_mark(std::uint64_t log, std::uint64_t again_end);
  [[nodiscard]] bool is_committed(std::uint64_t log, const Envelope& envelope) const;

  const QueueAddress address_;
  const std::string vp_;
  DeadLetters unusable_;
  std::unique_ptr<CommitBook> book_;
  CommitBook::Logs taken_;  // committed, and returned since
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<PullFeed> feed_;
  Subscription presence_;
  Subscription status_;
  std::vector<std::string> replies_;   // of messages returned and not committed
  std::set<std::uint64_t> to_commit_;  // logs whose messages they are
  // What the vantage point last said: of its log, what it sent, what it knows to be committed.
  std::uint64_t log_ = 0;
  std::uint64_t sent_below_ = 0;
  std::uint64_t known_committed_ = 0;
  Clock::time_point heard_at_;  // a message
  Clock::time_point ask_at_;
  std::chrono::milliseconds ask_wait_{0};
  unsigned asks_in_vain_ = 0;
  Clock::time_point tell_at_;
  Clock::time_point connect_at_;
  std::string trouble_;
  bool is_taken_ = false;      // by another consumer, when we connected last
  bool is_proven_ = false;     // the server has heard all that we ask for on this connection
  bool is_refused_ = false;    // something that we asked for last is not permitted
  Clock::time_point well_at_;  // if nothing is refused until then
  std::uint64_t duplicates_ = 0;
};

// Looks on: what is sent from now on.
// Thread: one at a time.
class NatsResultTail final : public ResultTail {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<NatsResultTail>> open(
      std::shared_ptr<Connection> connection, const std::string& vp);
  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;

 private:
  NatsResultTail(std::shared_ptr<Connection> connection, Subscription subscription)
      : connection_(std::move(connection)), subscription_(std::move(subscription)) {}

  std::shared_ptr<Connection> connection_;
  Subscription subscription_;
  CommitBook::Logs seen_;
};

}  // namespace backsight::queue::nats
