// The queue of one vantage point over a broker (JetStream): the file log in its spool is the truth,
// and one thread carries results from it to the broker and tasks from the broker to it. A broker
// that is away, full or slow only makes the spool grow; at its limit no more tasks are handed out.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "queue/address.h"
#include "queue/file/file_queue.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/vp/result_sender.h"
#include "queue/nats/vp/task_ledger.h"
#include "queue/nats/vp/task_receiver.h"
#include "queue/nats/vp/vp_presence.h"
#include "queue/vp_queue.h"

namespace backsight::queue::nats {

class NatsQueue final : public VpQueue {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<VpQueue>> open(const QueueAddress& address,
                                                               const std::string& vp, unsigned id);
  // Gives what is under way a moment to leave.
  ~NatsQueue() override;

  Expected<void> take(std::size_t max, std::vector<tasks::QueuedTask>& out,
                      std::vector<std::string>& complaints) override;
  void rest(std::chrono::nanoseconds time) override { spool_->rest(time); }
  Expected<void> put(const tasks::ResultBatch& batch) override;
  Expected<void> announce(const std::string& status_json) override;
  [[nodiscard]] Spool spool() const override { return spool_->spool(); }
  [[nodiscard]] QueueHealth health() const override;

 private:
  using Clock = std::chrono::steady_clock;

  NatsQueue(const QueueAddress& address, std::string vp, unsigned id, const VpLayout& layout);

  // Of the courier's thread.
  void carry();
  void connect();
  void disconnect(std::string why);
  [[nodiscard]] Expected<void> begin(Connection& connection);
  [[nodiscard]] Expected<void> check_permission(const Connection& connection);
  void forget_trouble();
  [[nodiscard]] Expected<void> check_ownership(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<bool> pump(std::vector<std::string>& complaints);
  [[nodiscard]] Expected<void> send_status();
  [[nodiscard]] bool is_all_sent() const;
  void publish_health();
  [[nodiscard]] bool is_idle() const;
  void wait(bool did);

  bool is_full();

  const QueueAddress address_;
  const std::string vp_;
  const VpLayout layout_;

  // Control's.
  std::unique_ptr<FileQueue> spool_;
  Clock::time_point look_at_spool_;
  std::uint64_t put_since_look_ = 0;  // bytes of results, about
  std::atomic<bool> is_full_{false};

  // Both threads'.
  TaskLedger ledger_;
  std::atomic<std::uint64_t> taken_below_{0};
  std::atomic<std::uint64_t> results_end_{0};
  std::atomic<bool> wants_tasks_{true};
  std::atomic<bool> is_another_there_{false};  // who is this vantage point
  std::atomic<bool> is_stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool has_news_ = false;
  std::vector<std::string> complaints_;
  std::string status_;  // to be sent; empty: was
  QueueHealth health_;

  // The courier's.
  std::unique_ptr<ResultSender> sender_;
  std::unique_ptr<TaskReceiver> receiver_;
  VpPresence presence_;
  bool receives_ = false;
  std::unique_ptr<Connection> connection_;
  Clock::time_point connect_at_;
  std::chrono::milliseconds backoff_{0};
  std::string connection_trouble_;  // kept until another connection has shown that it is over
  bool is_refused_ = false;         // by the server, which does not permit what we need
  Clock::time_point well_at_;       // if nothing is refused until then
  std::uint64_t connections_ = 0;
  Clock::time_point calm_at_;  // if nothing happens until then
  std::thread courier_;
};

}  // namespace backsight::queue::nats
