#include "queue/nats/consumer/nats_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <random>
#include <utility>

#include "queue/file/layout.h"
#include "queue/file/put_tasks.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/consumer/nats_source.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/puback.h"
#include "queue/nats/wire/subjects.h"
#include "tasks/codec/codec.h"

namespace backsight::queue::nats {

namespace {

// 96 KiB of tasks.
constexpr std::size_t kTasksPerMessage = 2048;
// An answer may be lost with a server of a cluster: the same message is sent again, and known.
constexpr int kAttempts = 4;
constexpr const char* kUser = "backsight";
// A broker that was away finds those back who used it: so long the one who stood by still does.
constexpr std::chrono::seconds kOthersReturn{5};

class NatsClient final : public QueueClient {
 public:
  explicit NatsClient(const QueueAddress& address) : address_(address) {}

  Expected<void> connect() {
    if (connection_ != nullptr && connection_->is_open()) return {};
    connected_at_ = Clock::now();
    auto connection = Connection::open(address_, kUser, "backsight");
    if (!connection) return tl::unexpected(connection.error());
    connection_ = std::move(*connection);
    return ensure_streams(*connection_);
  }

  Expected<std::vector<std::string>> list_vps() override {
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = kPatience.count();
    options.Stream.Info.SubjectsFilter = "backsight.v1.status.*";
    jsStreamInfo* got = nullptr;
    jsErrCode code{};
    const natsStatus status =
        js_GetStreamInfo(&got, connection_->jet_stream(), kStateStream, &options, &code);
    const StreamInfo info(got);
    if (status != NATS_OK) return failed(kStateStream, status);
    std::vector<std::string> vps;
    const jsStreamStateSubjects* subjects = info->State.Subjects;
    for (int i = 0; subjects != nullptr && i < subjects->Count; ++i) {
      const std::string_view subject(subjects->List[i].Subject);
      if (!subject.starts_with(kStatusPrefix)) continue;
      const std::string_view name = subject.substr(kStatusPrefix.size());
      if (check_vp_name(name)) vps.emplace_back(name);
    }
    std::sort(vps.begin(), vps.end());
    return vps;
  }

  Expected<std::string> read_status(const std::string& vp) override {
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
    const auto last = last_state(*connection_, status_subject(vp));
    if (!last) {
      connection_.reset();
      return tl::unexpected(last.error());
    }
    return *last == nullptr ? std::string() : std::string(text_of(last->get()));
  }

  Expected<void> put_tasks(const std::string& vp, std::span<const tasks::Task> tasks) override {
    if (auto named = check_vp_name(vp); !named) return named;
    if (auto checked = check_tasks(tasks); !checked) return checked;
    const std::size_t all = tasks.size();
    std::random_device random;
    const std::string name = fmt::format("{}-{:08x}{:08x}", vp, random(), random());
    for (std::size_t number = 1; !tasks.empty(); ++number) {
      const auto part = tasks.first(std::min(tasks.size(), kTasksPerMessage));
      if (auto put = put_message(vp, part, fmt::format("{}-{}", name, number)); !put) {
        return run_failed(fmt::format("{}; {} of {} tasks are queued", put.error().sentence,
                                      all - tasks.size(), all));
      }
      tasks = tasks.subspan(part.size());
    }
    return {};
  }

  Expected<std::unique_ptr<ResultSource>> open_source(const std::string& vp) override {
    if (auto named = check_vp_name(vp); !named) return tl::unexpected(named.error());
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
    std::string& other = others_[vp];
    if (!other.empty() && Clock::now() < connected_at_ + kOthersReturn) return run_failed(other);
    bool is_taken = false;
    auto source = NatsResultSource::open(address_, vp, is_taken);
    other = is_taken ? source.error().sentence : std::string();
    if (!source) return tl::unexpected(source.error());
    return std::unique_ptr<ResultSource>(std::move(*source));
  }

  Expected<std::unique_ptr<ResultTail>> open_tail(const std::string& vp) override {
    if (auto named = check_vp_name(vp); !named) return tl::unexpected(named.error());
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
    return NatsResultTail::open(connection_, vp).map([](auto tail) -> std::unique_ptr<ResultTail> {
      return tail;
    });
  }

 private:
  using Clock = std::chrono::steady_clock;

  // The next connection looks again whether all is there.
  tl::unexpected<Error> failed(std::string_view what, natsStatus status) {
    auto failure = connection_->failure(what, status);
    connection_.reset();
    return failure;
  }

  Expected<void> put_message(const std::string& vp, std::span<const tasks::Task> tasks,
                             const std::string& id) {
    const auto count = static_cast<std::uint32_t>(tasks.size());
    write_message(storage::kFirstPosition,
                  {storage::kFirstPosition, count, encoder_.encode(vp, tasks)}, body_);
    Expected<void> put;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      put = connect();
      if (!put) return put;
      natsMsg* answered = nullptr;
      const natsStatus asked = request(task_subject(vp), id, answered);
      const Message answer(answered);
      if (asked == NATS_OK) {
        const PubAck ack = parse_pub_ack(text_of(answered));
        if (ack.is_stored) return {};
        return run_failed(
            fmt::format("{}: stream {}: {}", connection_->shown(), kTaskStream, ack.why));
      }
      const bool is_final = asked == NATS_NO_RESPONDERS || !connection_->refusal().empty();
      put = failed(task_subject(vp), asked);
      if (is_final) return put;
    }
    return put;
  }

  natsStatus request(const std::string& subject, const std::string& id, natsMsg*& answer) {
    natsMsg* made = nullptr;
    natsStatus status =
        natsMsg_Create(&made, subject.c_str(), nullptr, reinterpret_cast<const char*>(body_.data()),
                       static_cast<int>(body_.size()));
    const Message message(made);
    if (status == NATS_OK) status = natsMsgHeader_Set(made, kMessageId, id.c_str());
    if (status != NATS_OK) return status;
    return natsConnection_RequestMsg(&answer, connection_->get(), made, kPatience.count());
  }

  const QueueAddress address_;
  std::shared_ptr<Connection> connection_;
  Clock::time_point connected_at_;
  std::map<std::string, std::string> others_;  // who consumed the results of a vantage point last
  tasks::Encoder encoder_;
  std::vector<std::byte> body_;
};

}  // namespace

Expected<std::unique_ptr<QueueClient>> open_client(const QueueAddress& address) {
  auto access = std::make_unique<NatsClient>(address);
  if (auto connected = access->connect(); !connected) return tl::unexpected(connected.error());
  return access;
}

Expected<void> renew_results(const QueueAddress& address, const StreamSizes& sizes) {
  auto connection = Connection::open(address, kUser, "backsight queue setup");
  if (!connection) return tl::unexpected(connection.error());
  jsErrCode code{};
  const natsStatus removed =
      js_DeleteStream((*connection)->jet_stream(), kResultStream, nullptr, &code);
  if (removed != NATS_OK && removed != NATS_NOT_FOUND && code != JSStreamNotFoundErr) {
    return (*connection)->failure(kResultStream, removed);
  }
  return ensure_streams(**connection, sizes);
}

Expected<std::vector<std::string>> set_up(const QueueAddress& address, const StreamSizes& sizes,
                                          const std::vector<std::string>& vps) {
  auto connection = Connection::open(address, kUser, "backsight queue setup");
  if (!connection) return tl::unexpected(connection.error());
  if (auto there = ensure_streams(**connection, sizes); !there) {
    return tl::unexpected(there.error());
  }
  std::vector<std::string> told;
  for (const char* stream : {kTaskStream, kResultStream, kStateStream, kDeadStream}) {
    told.push_back(fmt::format("stream {} is there", stream));
  }
  for (const std::string& vp : vps) {
    if (auto named = check_vp_name(vp); !named) return tl::unexpected(named.error());
    if (auto there = ensure_consumer(**connection, task_consumer(vp)); !there) {
      return tl::unexpected(there.error());
    }
    told.push_back(fmt::format("consumer {} of stream {} is there", vp, kTaskStream));
  }
  return told;
}

}  // namespace backsight::queue::nats
