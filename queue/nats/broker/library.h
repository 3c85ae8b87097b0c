// cnats's objects, freed by themselves. The only header that includes <nats/nats.h>.
#pragma once

#include <nats/nats.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace backsight::queue::nats {

template <auto Destroy>
struct Destroyer {
  template <typename Object>
  void operator()(Object* object) const noexcept {
    Destroy(object);
  }
};

using Message = std::unique_ptr<natsMsg, Destroyer<natsMsg_Destroy>>;

// Subscriptions that nobody wants any more, kept until their connection is closed: the library
// reads on in one that is freed while a message for it comes in (nats-io/nats.c, issue 637;
// in 3.4.1).
using EndedSubscriptions =
    std::vector<std::unique_ptr<natsSubscription, Destroyer<natsSubscription_Destroy>>>;

struct SubscriptionEnder {
  std::shared_ptr<EndedSubscriptions> ended;
  void operator()(natsSubscription* subscription) const {
    natsSubscription_Unsubscribe(subscription);
    ended->emplace_back(subscription);
  }
};
// May outlive its connection, and be let go at any time.
using Subscription = std::unique_ptr<natsSubscription, SubscriptionEnder>;

using Options = std::unique_ptr<natsOptions, Destroyer<natsOptions_Destroy>>;
using JetStream = std::unique_ptr<jsCtx, Destroyer<jsCtx_Destroy>>;
using StreamInfo = std::unique_ptr<jsStreamInfo, Destroyer<jsStreamInfo_Destroy>>;
using ConsumerInfo = std::unique_ptr<jsConsumerInfo, Destroyer<jsConsumerInfo_Destroy>>;
using MetaData = std::unique_ptr<jsMsgMetaData, Destroyer<jsMsgMetaData_Destroy>>;

[[nodiscard]] inline std::span<const std::byte> body_of(const natsMsg* message) {
  const int size = natsMsg_GetDataLength(message);
  return std::as_bytes(
      std::span(natsMsg_GetData(message), static_cast<std::size_t>(size > 0 ? size : 0)));
}

[[nodiscard]] inline std::string_view text_of(const natsMsg* message) {
  const auto body = body_of(message);
  return {reinterpret_cast<const char*>(body.data()), body.size()};
}

// Empty: there is none.
[[nodiscard]] inline std::string_view header_of(natsMsg* message, const char* key) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message, key, &value) == NATS_OK && value != nullptr
             ? std::string_view(value)
             : std::string_view();
}

// "" when there is none.
[[nodiscard]] inline std::string_view reply_of(const natsMsg* message) {
  const char* reply = natsMsg_GetReply(message);
  return reply == nullptr ? std::string_view() : std::string_view(reply);
}

}  // namespace backsight::queue::nats
