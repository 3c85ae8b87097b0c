// Requests whose source cannot measure now, because its vantage point was not heard yet, is gone or
// is not ready: each waits until it can, and no longer than patience allows, counted from when it
// first waited, so that a source that comes and goes keeps nothing open for ever.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "controller/now.h"
#include "controller/request.h"

namespace backsight::controller {

class SourceWaits {
 public:
  explicit SourceWaits(SteadyNs patience) : patience_(patience) {}

  // REQUIRES: none of this number waits.
  void add(const Request& request, const Now& now);
  // It waits no more. Nothing: it did not wait.
  [[nodiscard]] std::optional<Request> take(std::uint64_t id);
  // All of this source, by number.
  [[nodiscard]] std::vector<Request> take_all_of(probes::Ipv4Addr source);
  // Those whose patience is over.
  [[nodiscard]] std::vector<Request> take_overdue(const Now& now);

  // It has ended, whichever way, and never waits again.
  void forget(std::uint64_t id) { first_waited_.erase(id); }

  // A source that is waited for.
  struct Line {
    probes::Ipv4Addr source;
    std::size_t requests = 0;
    SteadyNs until = 0;  // no patience is over before
  };
  [[nodiscard]] std::vector<Line> lines() const;
  // The source that each request waits for; changes when version() does.
  [[nodiscard]] const std::unordered_map<std::uint64_t, probes::Ipv4Addr>& source_of() const {
    return source_of_;
  }
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] std::size_t size() const noexcept { return source_of_.size(); }
  [[nodiscard]] SteadyNs patience() const noexcept { return patience_; }

 private:
  struct Waiting {
    Request request;
    SteadyNs until = 0;
  };
  struct Source {
    std::map<std::uint64_t, Waiting> waiting;  // by number
    SteadyNs until = ~SteadyNs{0};
  };

  SteadyNs patience_;
  std::map<probes::Ipv4Addr, Source> sources_;
  std::unordered_map<std::uint64_t, probes::Ipv4Addr> source_of_;  // by request
  std::unordered_map<std::uint64_t, SteadyNs> first_waited_;       // by request, not ended
  std::uint64_t version_ = 0;
};

}  // namespace backsight::controller
