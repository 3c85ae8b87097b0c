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

#include "queue/nats/commit_book.h"
#include "queue/nats/connection.h"
#include "queue/nats/message.h"
#include "queue/nats/pull.h"
#include "queue/result_source.h"

namespace backsight::queue::nats {

// Thread: one at a time.
class NatsResultSource final : public ResultSource {
 public:
  // Fails when somebody else consumes the results of this vantage point.
  [[nodiscard]] static Expected<std::unique_ptr<NatsResultSource>> open(const QueueAddress& address,
                                                                        const std::string& vp);
  ~NatsResultSource() override;

  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;
  [[nodiscard]] Expected<void> commit() override;

  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  [[nodiscard]] std::uint64_t dead_letters() const noexcept { return dead_letters_; }

 private:
  using Clock = std::chrono::steady_clock;

  NatsResultSource(QueueAddress address, std::string vp, std::unique_ptr<CommitBook> book);

  [[nodiscard]] Expected<void> connect();
  void disconnect();
  [[nodiscard]] Expected<std::optional<StoredResults>> look(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<std::optional<StoredResults>> open_message(
      Message message, std::vector<std::string>& complaints);
  [[nodiscard]] Expected<void> refuse(natsMsg* message, std::string_view reason,
                                      std::vector<std::string>& complaints);
  [[nodiscard]] Expected<RangeSet*> meet_log(std::uint64_t log);
  [[nodiscard]] Expected<void> heed_status();
  [[nodiscard]] Expected<void> ask_again(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<void> tell(std::uint64_t log, std::uint64_t again_end);
  [[nodiscard]] bool is_committed(std::uint64_t log, const Envelope& envelope) const;

  const QueueAddress address_;
  const std::string vp_;
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
  std::string told_trouble_;
  bool is_taken_over_ = false;  // by another consumer
  bool is_newer_told_ = false;
  std::uint64_t duplicates_ = 0;
  std::uint64_t dead_letters_ = 0;
};

// Looks on: what is sent from now on.
// Thread: one at a time.
class NatsResultTail final : public ResultTail {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<NatsResultTail>> open(Connection& connection,
                                                                      const std::string& vp);
  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;

 private:
  NatsResultTail(Connection& connection, Subscription subscription)
      : connection_(connection), subscription_(std::move(subscription)) {}

  Connection& connection_;
  Subscription subscription_;
  CommitBook::Logs seen_;
};

}  // namespace backsight::queue::nats
