#include "queue/nats/broker/pull.h"

#include <fmt/format.h>

#include <utility>

#include "queue/nats/wire/puback.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

constexpr auto kExpires = 5s;
constexpr auto kGrace = 1s;     // the broker's clock and the way to it
constexpr auto kRetry = 250ms;  // after a request was refused

}  // namespace

PullFeed::PullFeed(Connection& connection, std::string_view consumer, unsigned portion)
    : connection_(connection),
      subject_(fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}", consumer)),
      info_subject_(fmt::format("$JS.API.CONSUMER.INFO.{}", consumer)),
      inbox_(connection.new_inbox()),
      info_inbox_(inbox_ + ".info"),
      portion_(portion) {}

Expected<std::unique_ptr<PullFeed>> PullFeed::open(Connection& connection,
                                                   const std::string& stream,
                                                   const std::string& consumer, unsigned portion) {
  std::unique_ptr<PullFeed> feed(
      new PullFeed(connection, fmt::format("{}.{}", stream, consumer), portion));
  auto subscription = connection.subscribe(feed->inbox_ + ".*");
  if (!subscription) return tl::unexpected(subscription.error());
  feed->subscription_ = std::move(*subscription);
  return feed;
}

// A server (2.9.10) that is asked for a consumer while it deletes the stream makes one of a stream
// that is gone: it takes requests and has nothing, for ever. Silence is therefore asked about.
Expected<void> PullFeed::ask() {
  const auto now = Clock::now();
  if (now < again_at_) return {};
  if (is_silent_) {
    if (auto sent = connection_.publish(info_subject_, {}, {}, info_inbox_); !sent) return sent;
  }
  const std::string request =
      fmt::format(R"({{"batch":{},"expires":{}}})", portion_,
                  std::chrono::duration_cast<std::chrono::nanoseconds>(kExpires).count());
  const std::string reply = fmt::format("{}.{}", inbox_, ++request_);
  if (auto sent = connection_.publish(subject_, bytes_of(request), {}, reply); !sent) return sent;
  is_silent_ = true;
  under_way_ = portion_;
  ends_at_ = now + kExpires + kGrace;
  return {};
}

Expected<Message> PullFeed::next(std::chrono::milliseconds patience) {
  if (under_way_ == 0 || Clock::now() >= ends_at_) {
    if (auto asked = ask(); !asked) return tl::unexpected(asked.error());
  }
  Message message = awaited_ != nullptr ? std::move(awaited_)
                                        : connection_.next_of(subscription_.get(), patience);
  if (message == nullptr) return message;
  if (natsMsg_GetSubject(message.get()) == info_inbox_) {
    if (auto there = check(message.get()); !there) return tl::unexpected(there.error());
    return Message();
  }
  if (header_of(message.get(), "Status").empty()) {
    is_silent_ = false;
    if (under_way_ > 0) --under_way_;
    return message;
  }
  if (auto done = apply_status(message.get()); !done) return tl::unexpected(done.error());
  return Message();
}

bool PullFeed::await(std::chrono::milliseconds patience) {
  if (awaited_ == nullptr) awaited_ = connection_.next_of(subscription_.get(), patience);
  return awaited_ != nullptr;
}

// Who may not ask is not answered.
Expected<void> PullFeed::check(natsMsg* info) const {
  const std::string missing = api_error(text_of(info));
  if (missing.empty()) return {};
  return run_failed(fmt::format("{}: {}: {}", connection_.shown(), info_subject_, missing));
}

// A word of the broker's about a request: it has ended, one way or another.
Expected<void> PullFeed::apply_status(natsMsg* status) {
  const std::string_view code = header_of(status, "Status");
  const std::string_view said = header_of(status, "Description");
  const std::string_view subject(natsMsg_GetSubject(status));
  const bool is_of_last = subject.ends_with(fmt::format(".{}", request_));
  if (code == "100" || !is_of_last) return {};
  under_way_ = 0;
  if (code == "503") {
    return run_failed(fmt::format("{}: {}: nobody answers: the consumer is gone, or JetStream is",
                                  connection_.shown(), subject_));
  }
  if (code == "409" && said.find("Deleted") != said.npos) {
    return run_failed(
        fmt::format("{}: {}: somebody deleted the consumer", connection_.shown(), subject_));
  }
  if (code != "404" && code != "408") again_at_ = Clock::now() + kRetry;
  return {};
}

}  // namespace backsight::queue::nats
