// What became of batches: whole, by label, or as events while they come.
// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "controller/api/exchange.h"
#include "controller/service.h"

namespace backsight::controller {

// So many answers are made at once: each holds its batch in memory.
inline constexpr int kMaxAnswersAtOnce = 32;

class Results {
 public:
  explicit Results(Service& service) : service_(service) {}

  // GET /api/v1/revtr?batchid=N: {"revtrs":[...]}, ended ones as they are and "status" of each.
  // RevTr's stopReason and path stand beside M-Lab's fields.
  [[nodiscard]] ApiReply show(std::uint64_t batch, const std::string& user) const;
  // GET /api/v1/revtr?label=X: the newest first, `most` at the most.
  [[nodiscard]] ApiReply show_label(const std::string& label, std::size_t most,
                                    const std::string& user) const;
  // GET /api/v1/revtr/N/events: server-sent events from the `first`-th end on (from 0). "revtr"
  // with a path each, whose id is how many have come by then; "end" with what all came to.
  [[nodiscard]] ApiReply follow(std::uint64_t batch, std::size_t first,
                                const std::string& user) const;
  // DELETE /api/v1/revtr?batchid=N
  [[nodiscard]] ApiReply cancel(std::uint64_t batch, const std::string& user) const;

 private:
  // How far the user's batch is, from the `first`-th end on; another's batch is not there.
  [[nodiscard]] tl::expected<BatchProgress, ApiReply> look(std::uint64_t batch, std::size_t first,
                                                           const std::string& user) const;

  // Held by an answer; none: there are too many.
  [[nodiscard]] std::shared_ptr<void> enter() const;

  Service& service_;
  mutable std::atomic<int> answers_{0};
};

}  // namespace backsight::controller
