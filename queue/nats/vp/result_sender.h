// Results from the vantage point's log to the broker: each record one message, in order, some under
// way at once. The log keeps all of them until the consumer has committed them; what the consumer
// misses is sent again from there.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/nats/broker/connection.h"
#include "queue/nats/wire/commit_mark.h"
#include "storage/log/log_consumer.h"
#include "tasks/codec/codec.h"

namespace backsight::queue::nats {

struct SenderCounts {
  std::uint64_t sent = 0;  // messages that the broker took
  std::uint64_t again = 0;
  std::uint64_t refused = 0;
};

// Thread: one at a time. Outlives connections.
class ResultSender {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<ResultSender>> open(storage::FileSystem& files,
                                                                    const std::string& directory,
                                                                    const std::string& vp,
                                                                    std::uint64_t log_id);

  // Begins on a new connection, where the broker had everything last.
  [[nodiscard]] Expected<void> connect(Connection& connection);
  // The connection is gone; what was under way is sent again.
  void disconnect();

  // Takes answers, sends what there is room for. True if anything happened. An error means that the
  // connection is of no more use.
  [[nodiscard]] Expected<bool> pump(std::vector<std::string>& complaints);

  // What keeps results from leaving though there is a connection; empty: nothing.
  [[nodiscard]] const std::string& trouble() const noexcept {
    return trouble_.empty() ? mark_trouble_ : trouble_;
  }
  [[nodiscard]] const SenderCounts& counts() const noexcept { return counts_; }
  // Nothing that was sent waits for the broker's answer.
  [[nodiscard]] bool is_answered() const noexcept { return under_way_.empty(); }
  // The broker took all below.
  [[nodiscard]] std::uint64_t sent_below() const noexcept { return sent_below_; }
  [[nodiscard]] std::uint64_t committed_below() const noexcept { return log_->committed(); }

 private:
  using Clock = std::chrono::steady_clock;

  struct UnderWay {
    std::uint64_t number = 0;  // of the message on this connection
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    std::size_t bytes = 0;
    Clock::time_point since;
    bool is_again = false;
    bool is_stored = false;
  };

  ResultSender(std::unique_ptr<storage::LogConsumer> log, storage::DurableNumber sent,
               std::string vp, std::uint64_t log_id);

  [[nodiscard]] Expected<void> apply_commit_marks(bool& did);
  [[nodiscard]] Expected<void> apply(const CommitMark& mark);
  [[nodiscard]] Expected<void> take_acknowledgements(bool& did);
  void settle(std::uint64_t number, const std::string& refusal);
  void go_back_to(std::uint64_t position);
  [[nodiscard]] Expected<bool> send_next(std::vector<std::string>& complaints);
  // True if it was sent; false, and told, if nobody could read it.
  [[nodiscard]] Expected<bool> send(const storage::LogRecord& record, std::uint64_t after,
                                    bool is_again, std::vector<std::string>& complaints);
  void remember_sent();
  [[nodiscard]] std::span<const std::byte> without_done_bits(const storage::LogRecord& record);

  std::unique_ptr<storage::LogConsumer> log_;
  std::string vp_;
  std::uint64_t log_id_;
  Connection* connection_ = nullptr;
  Subscription answers_;
  Subscription commits_;
  std::string inbox_;
  std::uint64_t number_ = 0;
  std::deque<UnderWay> under_way_;
  std::size_t bytes_under_way_ = 0;
  std::uint64_t sent_below_ = storage::kFirstPosition;
  storage::DurableNumber sent_;  // sent_below_ of a second ago: where the next process begins
  Clock::time_point remember_at_;
  std::uint64_t after_ = storage::kFirstPosition;  // behind the last record read
  // Records that the consumer misses, from the log's own place.
  std::optional<storage::LogReader> again_;
  std::uint64_t again_end_ = 0;
  std::uint64_t again_after_ = 0;
  std::uint64_t again_round_ = 0;
  Clock::time_point retry_at_;
  std::string trouble_;       // the broker's refusal
  std::string mark_trouble_;  // a consumer's mistake
  SenderCounts counts_;
  tasks::Encoder encoder_;
  std::vector<std::byte> body_;
  std::vector<std::byte> stripped_;
};

}  // namespace backsight::queue::nats
