#include "controller/service/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace backsight::controller {

using Why = RequestFault::Why;

Requests::Requests(const Rules& rules, RequestBook& book, const Archive& archive, Inbox& inbox,
                   const CurrentView& view, std::function<std::string()> queue_trouble)
    : rules_(rules),
      book_(book),
      archive_(archive),
      inbox_(inbox),
      view_(view),
      queue_trouble_(std::move(queue_trouble)) {}

void Requests::deny(config::PrefixSet denied) {
  const std::lock_guard lock(mutex_);
  denied_ = std::move(denied);
}

std::optional<RequestFault> Requests::fault_of(const Request& request, const View& view,
                                               const config::BogonPolicy& bogons) const {
  const auto fault = [](Why why, std::string sentence) {
    return RequestFault{0, why, std::move(sentence)};
  };
  const auto source = std::ranges::find(view.sources, request.src, &SourceInfo::address);
  if (source == view.sources.end() && !view.has_looked) {
    return fault(Why::kNotReady, "the controller has just started and knows no vantage point yet");
  }
  if (source == view.sources.end()) {
    std::vector<std::string> names;
    for (const SourceInfo& it : view.sources) names.push_back(it.name);
    return fault(Why::kUnknownSource,
                 fmt::format("no source {}; known: {}", probes::to_string(request.src),
                             names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  }
  if (!source->is_ready) {
    return fault(Why::kNotReady, fmt::format("source {} cannot be measured for: {}", source->name,
                                             source->why_not));
  }
  if (bogons.refuses(request.dst)) {
    return fault(Why::kBadDestination,
                 fmt::format("{} is private or reserved: it cannot be reached over the Internet; "
                             "name a public IPv4 address",
                             probes::to_string(request.dst)));
  }
  if (denied_.contains(request.dst)) {
    return fault(Why::kBadDestination,
                 fmt::format("{} is on the deny list of this controller and is never probed",
                             probes::to_string(request.dst)));
  }
  if (request.dst == request.src) {
    return fault(Why::kBadDestination, "source and destination are the same address");
  }
  return std::nullopt;
}

RequestFaults Requests::refuse_odd(std::vector<Request>& requests) const {
  const auto view = view_.get();
  std::vector<probes::Ipv4Addr> own;
  for (const SourceInfo& it : view->sources) own.push_back(it.address);
  const config::BogonPolicy bogons(rules_.allow_bogons, own);
  RequestFaults faults;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!requests[i].refused.empty()) continue;
    auto fault = fault_of(requests[i], *view, bogons);
    if (!fault) continue;
    fault->item = i;
    requests[i].refused = fault->sentence;
    faults.push_back(std::move(*fault));
  }
  return faults;
}

std::optional<RequestFault> Requests::why_closed(std::size_t measured) const {
  if (std::string trouble = queue_trouble_(); !trouble.empty()) {
    return RequestFault{0, Why::kNotReady, std::move(trouble)};
  }
  const std::uint64_t under_way = book_.under_way();
  if (under_way + measured > rules_.max_under_way) {
    return RequestFault{0, Why::kBusy,
                        fmt::format("{} reverse traceroutes are under way, and no more than {} may "
                                    "be; try again later",
                                    under_way, rules_.max_under_way)};
  }
  // What could not be archived could not be shown.
  std::string fault = archive_.why_not_writable();
  if (fault.empty() && !archive_.has_room()) fault = "its disk is slower than what is measured";
  if (!fault.empty()) {
    return RequestFault{0, Why::kStorage, "nothing can be archived now: " + fault};
  }
  if (is_closed_.load(std::memory_order_relaxed)) {
    return RequestFault{0, Why::kNotReady,
                        "the controller is stopping; ask again when it has started anew"};
  }
  return std::nullopt;
}

tl::expected<Accepted, RequestFaults> Requests::submit(std::vector<Request> requests) {
  RequestFaults faults = refuse_odd(requests);
  const auto measured = static_cast<std::size_t>(
      std::ranges::count_if(requests, [](const Request& it) { return it.refused.empty(); }));
  if (measured == 0) return tl::unexpected(std::move(faults));
  if (auto why = why_closed(measured)) return tl::unexpected(RequestFaults{std::move(*why)});
  const auto batch = book_.accept(requests);
  if (!batch) return tl::unexpected(RequestFaults{{0, Why::kStorage, batch.error().sentence}});
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
    // Who knew the number before we told it has cancelled nothing but the book's entry.
    if (!book_.is_cancelled(*batch)) return;
    for (const Request& it : requests) in.cancelled.push_back(it.id);
  });
  return Accepted{*batch, std::move(faults)};
}

tl::expected<void, std::string> Requests::cancel(std::uint64_t batch) {
  const auto cancelled = book_.cancel(batch);
  if (cancelled && !*cancelled) return {};
  const auto open = book_.open_of(batch);
  inbox_.add(
      [&](Inbound& in) { in.cancelled.insert(in.cancelled.end(), open.begin(), open.end()); });
  if (cancelled) return {};
  return tl::unexpected(
      fmt::format("it ends as cancelled, and would be measured again if the controller died now: "
                  "{}; ask again",
                  cancelled.error().sentence));
}

}  // namespace backsight::controller
