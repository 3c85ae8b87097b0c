#include "queue/nats/pull.h"

#include <fmt/format.h>

#include <utility>

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

constexpr auto kExpires = 5s;
constexpr auto kGrace = 1s;     // the broker's clock and the way to it
constexpr auto kRetry = 250ms;  // after a request was refused

}  // namespace

PullFeed::PullFeed(Connection& connection, std::string subject, unsigned portion)
    : connection_(connection),
      subject_(std::move(subject)),
      inbox_(connection.new_inbox()),
      portion_(portion) {}

Expected<std::unique_ptr<PullFeed>> PullFeed::open(Connection& connection,
                                                   const std::string& stream,
                                                   const std::string& consumer, unsigned portion) {
  std::unique_ptr<PullFeed> feed(new PullFeed(
      connection, fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream, consumer), portion));
  auto subscription = connection.subscribe(feed->inbox_ + ".*");
  if (!subscription) return tl::unexpected(subscription.error());
  feed->subscription_ = std::move(*subscription);
  return feed;
}

Expected<void> PullFeed::ask() {
  const auto now = Clock::now();
  if (now < again_at_) return {};
  const std::string request =
      fmt::format(R"({{"batch":{},"expires":{}}})", portion_,
                  std::chrono::duration_cast<std::chrono::nanoseconds>(kExpires).count());
  const std::string reply = fmt::format("{}.{}", inbox_, ++request_);
  if (auto sent = connection_.publish(subject_, bytes_of(request), {}, reply); !sent) return sent;
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
  if (header_of(message.get(), "Status").empty()) {
    if (under_way_ > 0) --under_way_;
    return message;
  }
  if (auto heeded = heed(message.get()); !heeded) return tl::unexpected(heeded.error());
  return Message();
}

bool PullFeed::await(std::chrono::milliseconds patience) {
  if (awaited_ == nullptr) awaited_ = connection_.next_of(subscription_.get(), patience);
  return awaited_ != nullptr;
}

// A word of the broker's about a request: it has ended, one way or another.
Expected<void> PullFeed::heed(natsMsg* status) {
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
