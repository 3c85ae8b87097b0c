#include "queue/nats/vp/nats_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "queue/nats/broker/streams.h"
#include "queue/nats/wire/subjects.h"
#include "storage/mirror.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

// Results of one message: 32 to 128 KiB when there are many.
constexpr std::size_t kRecordsBytes = std::size_t{112} << 10;
// Tasks in the local log that were not handed out yet; below that more are asked for.
constexpr std::uint64_t kTasksAhead = 16'384;
constexpr auto kSpoolLook = 50ms;
constexpr std::uint64_t kSpoolStep = std::uint64_t{256} << 10;
constexpr auto kIdleNap = 2ms;
// With nothing under way for so long, only a message of tasks is in a hurry.
constexpr auto kUntilCalm = 200ms;
constexpr auto kCalmWait = 40ms;
constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kMostBackoff{2000};
// What the server does not permit it may say only when we ask for it again.
constexpr std::chrono::milliseconds kAfterRefusal{1000};
// For what is under way when the process stops.
constexpr auto kFarewell = 2s;

// A spool keeps its limit when its segments, which are freed whole, are small beside it.
storage::LogOptions log_options(std::uint64_t spool_limit_bytes) {
  constexpr std::uint64_t kSegmentsOfALimit = 16;
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  storage::LogOptions options;
  options.segment_bytes =
      std::clamp(spool_limit_bytes / kSegmentsOfALimit, kLeast, options.segment_bytes);
  return options;
}

}  // namespace

NatsQueue::NatsQueue(const QueueAddress& address, std::string vp, unsigned id,
                     const VpLayout& layout)
    : address_(address), vp_(std::move(vp)), layout_(layout), presence_(vp_, id) {
  health_.has_broker = true;
  health_.is_connected = false;
  health_.spool_limit_bytes = address.spool_limit_bytes;
  connection_trouble_ = fmt::format("{}: connecting", address_.shown());
  health_.troubles = {connection_trouble_};
}

Expected<std::unique_ptr<VpQueue>> NatsQueue::open(const QueueAddress& address,
                                                   const std::string& vp, unsigned id) {
  const auto layout = vp_layout("file://" + address.spool, vp);
  if (!layout) return tl::unexpected(layout.error());
  storage::FileSystem& files = storage::posix_file_system();
  std::unique_ptr<NatsQueue> queue(new NatsQueue(address, vp, id, *layout));
  auto claim = claim_vp(files, *layout, vp, id);
  if (!claim) return tl::unexpected(claim.error());
  auto mended = storage::repair_from_copy(files, layout->tasks);
  if (!mended) return tl::unexpected(mended.error());
  queue->complaints_ = std::move(*mended);
  auto spool =
      FileQueue::open(files, *layout, vp, log_options(address.spool_limit_bytes), kRecordsBytes);
  if (!spool) return tl::unexpected(spool.error());
  queue->spool_ = std::move(*spool);
  queue->spool_->hold(std::move(*claim));
  auto receiver = TaskReceiver::open(files, layout->tasks, vp, queue->ledger_, queue->complaints_);
  if (!receiver) return tl::unexpected(receiver.error());
  queue->receiver_ = std::move(*receiver);
  auto sender = ResultSender::open(files, layout->results, vp, queue->spool_->log_id());
  if (!sender) return tl::unexpected(sender.error());
  queue->sender_ = std::move(*sender);
  queue->ledger_.advance(queue->spool_->done());
  queue->taken_below_ = queue->spool_->taken_below();
  queue->results_end_ = queue->spool_->results_end();
  queue->courier_ = std::thread([courier = queue.get()] { courier->carry(); });
  return queue;
}

NatsQueue::~NatsQueue() {
  is_stopping_ = true;
  wake_.notify_all();
  if (courier_.joinable()) courier_.join();
}

// --- control -----------------------------------------------------------------------------------

bool NatsQueue::is_full() {
  // It grows by what is put, and by nothing else.
  const bool was_looked_at = look_at_spool_ != Clock::time_point{};
  if (was_looked_at && !is_full_ && put_since_look_ == 0) return false;
  const auto now = Clock::now();
  const std::uint64_t step = std::max(kSpoolStep, address_.spool_limit_bytes / 256);
  if (now < look_at_spool_ && put_since_look_ < step) return is_full_;
  put_since_look_ = 0;
  look_at_spool_ = now + kSpoolLook;
  is_full_ = spool_->spool().bytes >= address_.spool_limit_bytes;
  wants_tasks_ = !is_full_;
  return is_full_;
}

Expected<void> NatsQueue::take(std::size_t max, std::vector<tasks::QueuedTask>& out,
                               std::vector<std::string>& complaints) {
  {
    const std::lock_guard lock(mutex_);
    std::move(complaints_.begin(), complaints_.end(), std::back_inserter(complaints));
    complaints_.clear();
  }
  if (is_full() || is_another_there_) return {};
  const auto taken = spool_->take(max, out, complaints);
  taken_below_ = spool_->taken_below();
  return taken;
}

Expected<void> NatsQueue::put(const tasks::ResultBatch& batch) {
  spool_->keep_tasks_from(ledger_.keep_from());
  if (auto put = spool_->put(batch); !put) return put;
  put_since_look_ += batch.size() * tasks::kMaxProbeBytesEncoded;
  results_end_ = spool_->results_end();
  ledger_.advance(spool_->done());
  {
    const std::lock_guard lock(mutex_);
    has_news_ = true;
  }
  wake_.notify_one();
  return {};
}

Expected<void> NatsQueue::announce(const std::string& status_json) {
  const std::lock_guard lock(mutex_);
  status_ = status_json;
  return {};
}

QueueHealth NatsQueue::health() const {
  const std::lock_guard lock(mutex_);
  QueueHealth health = health_;
  if (is_full_) {
    health.troubles.push_back(fmt::format(
        "the spool {} has reached its limit of {} MiB (queue.spool_limit_mib): no tasks are taken "
        "until results are committed",
        layout_.results, address_.spool_limit_bytes >> 20));
  }
  return health;
}

// --- the courier -------------------------------------------------------------------------------

void NatsQueue::carry() {
  Clock::time_point gives_up_at = Clock::time_point::max();
  while (true) {
    if (is_stopping_ && gives_up_at == Clock::time_point::max()) {
      gives_up_at = Clock::now() + kFarewell;
    }
    if (is_stopping_ && (connection_ == nullptr || is_all_sent() || Clock::now() >= gives_up_at)) {
      break;
    }
    if (connection_ == nullptr) connect();
    bool did = false;
    if (connection_ != nullptr) {
      std::vector<std::string> complaints;
      const auto pumped = pump(complaints);
      if (!complaints.empty()) {
        const std::lock_guard lock(mutex_);
        std::move(complaints.begin(), complaints.end(), std::back_inserter(complaints_));
      }
      if (!pumped) disconnect(pumped.error().sentence);
      did = pumped.value_or(false);
    }
    publish_health();
    wait(did);
  }
  if (connection_ != nullptr) natsConnection_FlushTimeout(connection_->get(), kPatience.count());
  disconnect({});
}

void NatsQueue::connect() {
  if (Clock::now() < connect_at_) return;
  auto connection = Connection::open(address_, vp_, fmt::format("backsight-vp {}", vp_));
  auto begun = connection ? begin(**connection) : tl::unexpected(connection.error());
  if (!begun) {
    if (connection) connection_ = std::move(*connection);
    disconnect(begun.error().sentence);
    return;
  }
  connection_ = std::move(*connection);
  well_at_ = Clock::now() + (is_refused_ ? kAfterRefusal : 0ms);
  ++connections_;
}

Expected<void> NatsQueue::begin(Connection& connection) {
  if (auto there = ensure_streams(connection); !there) return there;
  if (auto begun = sender_->connect(connection); !begun) return begun;
  // Its last question was answered after all that it asked for before.
  if (auto done = check_permission(connection); !done) return done;
  return presence_.connect(connection);
}

// Who may not tell others of its name, put aside what it cannot use, or renew its consumer does
// without. Without the rest nothing is done.
Expected<void> NatsQueue::check_permission(const Connection& connection) {
  std::string refusal = connection.refusal();
  const auto is_about = [&](std::string_view subject) {
    return refusal.find(subject) != std::string::npos;
  };
  is_refused_ = is_about(result_subject(vp_)) || is_about(status_subject(vp_)) ||
                is_about(commit_subject(vp_, spool_->log_id())) || is_about("_INBOX") ||
                is_about("$JS.API.CONSUMER.MSG.NEXT") || is_about("$JS.ACK");
  if (is_refused_) return tl::unexpected(Error{ErrorCode::kRunFailed, std::move(refusal)});
  return {};
}

// A connection that came to be shows little: what ended the last one may end it, too.
void NatsQueue::forget_trouble() {
  if (!sender_->is_answered() || Clock::now() < well_at_) return;
  connection_trouble_.clear();
  backoff_ = 0ms;
}

// Tasks come to one of those who have our name or id.
Expected<void> NatsQueue::check_ownership(std::vector<std::string>& complaints) {
  if (auto heard = presence_.pump(complaints); !heard) return heard;
  is_another_there_ = !presence_.trouble().empty();
  if (presence_.is_held() == receives_) return {};
  receives_ = presence_.is_held();
  if (receives_) return receiver_->connect(*connection_);
  receiver_->disconnect();
  return {};
}

void NatsQueue::disconnect(std::string why) {
  sender_->disconnect();
  receiver_->disconnect();
  receives_ = false;
  presence_.disconnect();
  connection_.reset();
  if (!why.empty()) connection_trouble_ = std::move(why);
  backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kMostBackoff);
  connect_at_ = Clock::now() + (is_refused_ ? kAfterRefusal : backoff_);
}

Expected<bool> NatsQueue::pump(std::vector<std::string>& complaints) {
  if (!connection_->is_open()) return connection_->failure("the connection broke", NATS_OK);
  if (auto done = check_ownership(complaints); !done) return tl::unexpected(done.error());
  const bool is_behind = receiver_->end() >= taken_below_ + kTasksAhead;
  const auto sent = sender_->pump(complaints);
  if (!sent) return sent;
  Expected<bool> received = false;
  if (receives_) {
    received = receiver_->pump(wants_tasks_ && !is_behind && !is_stopping_, complaints);
  }
  if (!received) return received;
  if (auto told = send_status(); !told) return tl::unexpected(told.error());
  if (auto done = check_permission(*connection_); !done) return tl::unexpected(done.error());
  forget_trouble();
  return *sent || *received;
}

Expected<void> NatsQueue::send_status() {
  std::string status;
  {
    const std::lock_guard lock(mutex_);
    status = std::exchange(status_, {});
  }
  if (status.empty() || !presence_.is_held()) return {};
  const std::array<Connection::Header, 3> headers{
      {{kLogHeader, fmt::format("{:016x}", spool_->log_id())},
       {kSentHeader, fmt::to_string(sender_->sent_below())},
       {kCommittedHeader, fmt::to_string(sender_->committed_below())}}};
  return connection_->publish(status_subject(vp_), bytes_of(status), headers);
}

bool NatsQueue::is_all_sent() const {
  const std::lock_guard lock(mutex_);
  return sender_->sent_below() >= results_end_ && status_.empty() &&
         !(receives_ && ledger_.has_done());
}

void NatsQueue::publish_health() {
  std::vector<std::string> troubles;
  for (const auto& trouble :
       {connection_trouble_, presence_.trouble(), sender_->trouble(), receiver_->trouble()}) {
    if (!trouble.empty()) troubles.push_back(trouble);
  }
  const SenderCounts& counts = sender_->counts();
  const std::lock_guard lock(mutex_);
  health_.troubles = std::move(troubles);
  health_.is_connected = connection_ != nullptr;
  health_.connections = connections_;
  health_.batches_sent = counts.sent;
  health_.batches_again = counts.again;
  health_.send_failures = counts.refused;
  health_.dead_letters = receiver_->dead_letters();
}

bool NatsQueue::is_idle() const {
  return receives_ && wants_tasks_ && !is_stopping_ && Clock::now() >= calm_at_ &&
         !ledger_.has_undone() && is_all_sent();
}

void NatsQueue::wait(bool did) {
  if (did) {
    calm_at_ = Clock::now() + kUntilCalm;
    return;
  }
  const auto began = Clock::now();
  if (is_idle() && receiver_->await(kCalmWait)) return;
  // A subscription that is broken does not wait.
  if (Clock::now() - began >= kCalmWait / 2) return;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kIdleNap, [&] { return has_news_ || is_stopping_; });
  has_news_ = false;
}

}  // namespace backsight::queue::nats
