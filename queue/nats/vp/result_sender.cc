#include "queue/nats/vp/result_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "queue/nats/broker/streams.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/puback.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

// Under way at once: enough to fill a long path, and little enough to send again.
constexpr std::size_t kMaxBytesUnderWay = std::size_t{8} << 20;
constexpr std::size_t kMaxUnderWay = 256;
// A broker that takes longer is of no use: another connection is tried.
constexpr auto kOverdue = 5s;
// After a refusal.
constexpr auto kRetry = 500ms;
constexpr auto kRemember = 1s;

}  // namespace

ResultSender::ResultSender(std::unique_ptr<storage::LogConsumer> log, storage::DurableNumber sent,
                           std::string vp, std::uint64_t log_id)
    : log_(std::move(log)), vp_(std::move(vp)), log_id_(log_id), sent_(std::move(sent)) {
  sent_below_ = std::max({log_->committed(), sent_.value(), storage::kFirstPosition});
  log_->seek(sent_below_);
  after_ = sent_below_;
  // Numbers of rounds that no earlier process gave.
  again_round_ = std::uint64_t{std::random_device{}()} << 20;
}

Expected<std::unique_ptr<ResultSender>> ResultSender::open(storage::FileSystem& files,
                                                           const std::string& directory,
                                                           const std::string& vp,
                                                           std::uint64_t log_id) {
  auto log = storage::LogConsumer::open(files, directory, "results");
  if (!log) return tl::unexpected(log.error());
  auto sent = storage::DurableNumber::open(files, directory, "sent");
  if (!sent) return tl::unexpected(sent.error());
  return std::unique_ptr<ResultSender>(
      new ResultSender(std::move(*log), std::move(*sent), vp, log_id));
}

Expected<void> ResultSender::connect(Connection& connection) {
  connection_ = &connection;
  inbox_ = connection.new_inbox();
  auto answers = connection.subscribe(inbox_ + ".*");
  if (!answers) return tl::unexpected(answers.error());
  answers_ = std::move(*answers);
  const std::string subject = commit_subject(vp_, log_id_);
  auto commits = connection.subscribe(subject);
  if (!commits) return tl::unexpected(commits.error());
  commits_ = std::move(*commits);
  // What was committed while we were away.
  const auto last = last_state(connection, subject);
  if (!last) return tl::unexpected(last.error());
  if (*last == nullptr) return {};
  const auto mark = parse_commit_mark(text_of(last->get()));
  return mark ? apply({mark->low, 0}) : Expected<void>();
}

void ResultSender::disconnect() {
  go_back_to(sent_below_);
  under_way_.clear();
  bytes_under_way_ = 0;
  again_.reset();
  answers_.reset();
  commits_.reset();
  connection_ = nullptr;
  trouble_.clear();
}

Expected<bool> ResultSender::pump(std::vector<std::string>& complaints) {
  bool did = false;
  if (auto done = apply_commit_marks(did); !done) return tl::unexpected(done.error());
  if (auto done = take_acknowledgements(did); !done) return tl::unexpected(done.error());
  if (!under_way_.empty() && Clock::now() - under_way_.front().since > kOverdue) {
    return connection_->failure(result_subject(vp_), NATS_TIMEOUT);
  }
  while (under_way_.size() < kMaxUnderWay && bytes_under_way_ < kMaxBytesUnderWay &&
         Clock::now() >= retry_at_) {
    const auto sent = send_next(complaints);
    if (!sent) return tl::unexpected(sent.error());
    if (!*sent) break;
    did = true;
  }
  remember_sent();
  return did;
}

// Not being able to costs sending again, and no more.
void ResultSender::remember_sent() {
  const auto now = Clock::now();
  if (sent_below_ == sent_.value() || now < remember_at_) return;
  remember_at_ = now + kRemember;
  (void)sent_.store(sent_below_);
}

Expected<void> ResultSender::apply_commit_marks(bool& did) {
  while (const Message message = connection_->next_of(commits_.get(), 0ms)) {
    did = true;
    const auto mark = parse_commit_mark(text_of(message.get()));
    if (!mark) continue;
    if (auto done = apply(*mark); !done) return done;
  }
  return {};
}

// A mark beyond what was ever sent is a mistake of somebody's: nothing may be freed for it.
Expected<void> ResultSender::apply(const CommitMark& mark) {
  const std::uint64_t most = std::max(log_->position(), sent_below_);
  if (mark.low > most) {
    mark_trouble_ = fmt::format(
        "{}: results below {} are said to be committed, but only those below {} "
        "were sent; nothing is freed",
        commit_subject(vp_, log_id_), mark.low, most);
    return {};
  }
  mark_trouble_.clear();
  if (auto committed = log_->commit(mark.low); !committed) return committed;
  sent_below_ = std::max(sent_below_, mark.low);
  if (log_->position() < mark.low) {
    log_->seek(mark.low);
    after_ = mark.low;
  }
  const std::uint64_t again_end = std::min(mark.again_end, sent_below_);
  if (again_end > mark.low && !again_) {
    again_.emplace(log_->files(), log_->directory(), mark.low);
    again_end_ = again_end;
    again_after_ = mark.low;
    ++again_round_;
  }
  return {};
}

Expected<void> ResultSender::take_acknowledgements(bool& did) {
  while (const Message message = connection_->next_of(answers_.get(), 0ms)) {
    did = true;
    const std::string_view subject(natsMsg_GetSubject(message.get()));
    const auto number = parse_number(subject.substr(std::min(subject.size(), inbox_.size() + 1)));
    if (!number) continue;
    if (natsMsg_IsNoResponders(message.get())) {
      settle(*number, fmt::format("{}: no stream takes results: is {} gone?", connection_->shown(),
                                  kResultStream));
      continue;
    }
    const PubAck answer = parse_pub_ack(text_of(message.get()));
    settle(*number, answer.is_stored
                        ? std::string()
                        : fmt::format("{}: stream {}: {}; results wait in {}", connection_->shown(),
                                      kResultStream, answer.why, log_->directory()));
  }
  return {};
}

void ResultSender::settle(std::uint64_t number, const std::string& refusal) {
  const auto at = std::ranges::find(under_way_, number, &UnderWay::number);
  if (at == under_way_.end()) return;
  if (!refusal.empty()) {
    ++counts_.refused;
    trouble_ = refusal;
    retry_at_ = Clock::now() + kRetry;
    const UnderWay refused = *at;
    if (refused.is_again) {
      again_.reset();  // the consumer asks once more
      bytes_under_way_ -= refused.bytes;
      under_way_.erase(at);
    } else {
      go_back_to(refused.position);
    }
    return;
  }
  at->is_stored = true;
  ++counts_.sent;
  if (at->is_again) ++counts_.again;
  trouble_.clear();
  while (!under_way_.empty() && under_way_.front().is_stored) {
    const UnderWay& first = under_way_.front();
    if (!first.is_again) sent_below_ = std::max(sent_below_, first.end);
    bytes_under_way_ -= first.bytes;
    under_way_.pop_front();
  }
}

// The record at `position` and all later ones are sent anew; answers to them are of no interest.
void ResultSender::go_back_to(std::uint64_t position) {
  std::erase_if(under_way_, [&](const UnderWay& it) {
    const bool is_void = !it.is_again && it.position >= position;
    if (is_void) bytes_under_way_ -= it.bytes;
    return is_void;
  });
  log_->seek(position);
  after_ = position;
}

// True if there was a record to send.
Expected<bool> ResultSender::send_next(std::vector<std::string>& complaints) {
  if (again_) {
    const auto record = again_->next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (*record && (*record)->position < again_end_) {
      const auto sent = send(**record, again_after_, true, complaints);
      if (!sent) return tl::unexpected(sent.error());
      if (*sent) again_after_ = (*record)->end();
      return true;
    }
    again_.reset();
  }
  const auto record = log_->next(complaints);
  if (!record) return tl::unexpected(record.error());
  if (!*record) return false;
  const auto sent = send(**record, after_, false, complaints);
  if (!sent) return tl::unexpected(sent.error());
  if (*sent) after_ = (*record)->end();
  return true;
}

Expected<bool> ResultSender::send(const storage::LogRecord& record, std::uint64_t after,
                                  bool is_again, std::vector<std::string>& complaints) {
  const auto head = tasks::decode_result_head(record.payload);
  if (!head) {
    // Nobody could read it: its items count as lost, and the next message says so.
    complaints.push_back(fmt::format("{}: results {} to {} are left out: {}", log_->directory(),
                                     record.position, record.end() - 1, head.error().sentence));
    return false;
  }
  storage::LogRecord sent = record;
  if (head->has_done_bits) sent.payload = without_done_bits(record);
  write_message(std::min(after, record.position), sent, body_);
  if (body_.size() > connection_->max_payload()) {
    return run_failed(fmt::format(
        "{}: a batch of {} bytes is more than the server takes ({}); raise max_payload in its "
        "config to {} at least",
        connection_->shown(), body_.size(), connection_->max_payload(), kMaxMessageBytes));
  }
  std::string id = fmt::format("{}-{:x}-{}-{}", vp_, log_id_, head->boot_epoch, head->batch);
  if (is_again) id += fmt::format("-{}", again_round_);
  const std::array<Connection::Header, 1> headers{{{kMessageId, std::move(id)}}};
  ++number_;
  under_way_.push_back({.number = number_,
                        .position = record.position,
                        .end = record.end(),
                        .bytes = body_.size(),
                        .since = Clock::now(),
                        .is_again = is_again});
  bytes_under_way_ += body_.size();
  const auto published = connection_->publish(result_subject(vp_), body_, headers,
                                              fmt::format("{}.{}", inbox_, number_));
  if (!published) return tl::unexpected(published.error());
  return true;
}

// What is done is of no interest to anybody else, and may be large.
std::span<const std::byte> ResultSender::without_done_bits(const storage::LogRecord& record) {
  auto message = tasks::decode_results(record.payload);
  if (!message) return record.payload;
  message->head.has_done_bits = false;
  message->head.done_bits.clear();
  const tasks::ResultBatch& results = message->results;
  const auto encoded =
      encoder_.encode(message->head, {results.probes, results.traces, results.observations});
  stripped_.assign(encoded.begin(), encoded.end());
  return stripped_;
}

}  // namespace backsight::queue::nats
