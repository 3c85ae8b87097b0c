// What users ask for: checked against what is known of sources and destinations, made durable, and
// handed to the loop.
// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/lists/deny_list.h"
#include "controller/archive/archive.h"
#include "controller/journal/request_book.h"
#include "controller/service.h"
#include "controller/service/inbox.h"
#include "controller/service/view.h"

namespace backsight::controller {

class Requests {
 public:
  struct Rules {
    bool allow_bogons = false;
    std::uint64_t max_under_way = 0;
  };
  // `queue_trouble` says what keeps the queue from being looked at; empty: nothing. All outlives
  // this.
  Requests(const Rules& rules, RequestBook& book, const Archive& archive, Inbox& inbox,
           const CurrentView& view, std::function<std::string()> queue_trouble);

  // As in Service.
  [[nodiscard]] tl::expected<Accepted, RequestFaults> submit(std::vector<Request> requests);
  tl::expected<void, std::string> cancel(std::uint64_t batch);

  // Nothing is accepted for these destinations from now on.
  void deny(config::PrefixSet denied);
  // Nothing is accepted from now on. Async-signal-safe.
  void close() noexcept { is_closed_.store(true, std::memory_order_relaxed); }

 private:
  // Marks those that cannot be measured as refused. Returns why.
  [[nodiscard]] RequestFaults refuse_odd(std::vector<Request>& requests) const;
  [[nodiscard]] std::optional<RequestFault> fault_of(const Request& request, const View& view,
                                                     const config::BogonPolicy& bogons) const;
  // Why none is accepted now, though so many could be measured.
  [[nodiscard]] std::optional<RequestFault> why_closed(std::size_t measured) const;

  const Rules rules_;
  RequestBook& book_;
  const Archive& archive_;
  Inbox& inbox_;
  const CurrentView& view_;
  const std::function<std::string()> queue_trouble_;
  std::atomic<bool> is_closed_{false};
  mutable std::mutex mutex_;
  config::PrefixSet denied_;
};

}  // namespace backsight::controller
