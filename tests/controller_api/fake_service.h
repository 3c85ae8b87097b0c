// A service whose measurements end when the test says so. Thread: any.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/json/path_json.h"
#include "controller/service.h"

namespace backsight::controller {

class FakeService : public Service {
 public:
  FakeService() {
    sources_ = {{.name = "ams01",
                 .address = address("192.0.2.1"),
                 .is_ready = true,
                 .why_not = "",
                 .atlas_traceroutes = 12,
                 .atlas_hops = 99,
                 .atlas_oldest_unix_us = 1'767'225'600'000'000},
                {.name = "fra02",
                 .address = address("192.0.2.2"),
                 .is_ready = false,
                 .why_not = "does not receive \"spoofed\" replies"}};
    vps_ = {{.name = "ams01",
             .address = address("192.0.2.1"),
             .asn = 64500,
             .state = "ready",
             .why = "",
             .can_ping = true,
             .can_record_route = true,
             .last_heard_unix_us = 1'767'225'600'000'000,
             .probes_under_way = 3}};
  }

  static Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

  // --- what a test says
  // These faults are found in what comes; of the kinds that are of no item, nothing is accepted.
  void refuse(RequestFaults faults) {
    const std::lock_guard lock(mutex_);
    faults_ = std::move(faults);
  }
  // Ends a request that was submitted, reaching over two hops.
  void end(std::uint64_t id, FailReason fail = FailReason::kNone) {
    const std::lock_guard lock(mutex_);
    const Request request = requests_.at(id);
    Batch& batch = batches_.at(request.batch);
    ReversePath path = begin(request);
    path.started_unix_us = 1'767'225'600'000'000;
    path.runtime_us = 120'000;
    path.stop_reason = fail == FailReason::kNone ? StopReason::kReaches : StopReason::kFailed;
    path.fail_reason = fail;
    path.probes = 14;
    path.hops.resize(2);
    path.hops[0] = {.address = request.dst, .type = HopType::kDestination};
    path.hops[1] = {.address = request.src, .type = HopType::kSymmetryWithinAs};
    batch.ended.push_back(shown(path));
    std::erase(batch.open, id);
    changed_.notify_all();
  }
  // The request has not begun.
  void let_wait(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    for (auto& [number, batch] : batches_) {
      if (std::ranges::count(batch.open, id) != 0) batch.waiting.push_back(id);
    }
  }
  void forget(std::uint64_t batch) {
    const std::lock_guard lock(mutex_);
    batches_.erase(batch);
    changed_.notify_all();
  }
  [[nodiscard]] std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    std::vector<Request> all;
    for (const auto& [id, request] : requests_) all.push_back(request);
    return all;
  }
  [[nodiscard]] std::vector<std::string> atlas_orders() const {
    const std::lock_guard lock(mutex_);
    return orders_;
  }
  // What is cancelled from now on is not remembered.
  void forget_cancels(std::string why) { cancel_fault_ = std::move(why); }
  void say_what_is_waited_for(std::uint64_t id, std::string what) {
    const std::lock_guard lock(mutex_);
    waiting_for_[id] = std::move(what);
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  void set_usage(Usage usage) {
    const std::lock_guard lock(mutex_);
    usage_ = usage;
  }

  // --- Service
  tl::expected<Accepted, RequestFaults> submit(std::vector<Request> requests) override {
    const std::lock_guard lock(mutex_);
    Accepted accepted;
    bool takes_none = false;
    for (const RequestFault& fault : faults_) {
      takes_none |=
          fault.why == RequestFault::Why::kBusy || fault.why == RequestFault::Why::kStorage;
      if (fault.item >= requests.size() || !requests[fault.item].refused.empty()) continue;
      requests[fault.item].refused = fault.sentence;
      accepted.refused.push_back(fault);
    }
    const auto is_refused = [](const Request& it) { return !it.refused.empty(); };
    if (takes_none || std::ranges::all_of(requests, is_refused)) return tl::unexpected(faults_);
    const std::uint64_t first = accepted.batch = next_;
    Batch& batch = batches_[first];
    batch.user = requests.front().user;
    for (Request& request : requests) {
      request.id = next_;
      request.batch = first;
      next_ += 2;
      requests_[request.id] = request;
      if (request.refused.empty()) {
        batch.open.push_back(request.id);
        continue;
      }
      ReversePath path = begin(request);
      path.fail_reason = FailReason::kRefused;
      path.fail_detail = request.refused;
      batch.ended.push_back(shown(path));
    }
    batch.total = requests.size();
    return accepted;
  }
  std::optional<BatchProgress> progress(std::uint64_t batch, std::size_t first) const override {
    const std::lock_guard lock(mutex_);
    return look(batch, first);
  }
  std::optional<BatchProgress> wait_for_more(std::uint64_t batch, std::size_t first,
                                             std::chrono::milliseconds patience) const override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] {
      const auto found = batches_.find(batch);
      return found == batches_.end() || found->second.ended.size() > first ||
             found->second.open.empty() || is_stopping_;
    });
    return look(batch, first);
  }
  tl::expected<void, std::string> cancel(std::uint64_t batch) override {
    for (const std::uint64_t id : std::vector<std::uint64_t>(batches_.at(batch).open)) {
      end(id, FailReason::kCancelled);
    }
    if (!cancel_fault_.empty()) return tl::unexpected(cancel_fault_);
    return {};
  }
  std::vector<EndedPath> with_label(const std::string& user, const std::string& label,
                                    std::size_t most) const override {
    const std::lock_guard lock(mutex_);
    std::vector<EndedPath> found;
    for (const auto& [id, batch] : batches_) {
      for (const EndedPath& path : batch.ended) {
        const bool is_its = batch.user == user && requests_.at(path.id).label == label;
        if (is_its && found.size() < most) {
          found.push_back(path);
        }
      }
    }
    return found;
  }
  std::vector<SourceInfo> sources() const override { return sources_; }
  std::vector<VantagePointInfo> vantage_points() const override { return vps_; }
  bool refresh_atlas(const std::string& source) override { return order("run " + source); }
  bool clear_atlas(const std::string& source) override { return order("clean " + source); }
  Usage usage(const std::string&) const override {
    const std::lock_guard lock(mutex_);
    return usage_;
  }

 private:
  struct Batch {
    std::string user;
    std::size_t total = 0;
    std::vector<std::uint64_t> open;
    std::vector<std::uint64_t> waiting;  // of these
    std::vector<EndedPath> ended;
  };

  static EndedPath shown(const ReversePath& path) { return {path.id, to_listed_json(path, {})}; }
  static ReversePath begin(const Request& request) {
    ReversePath path;
    path.id = request.id;
    path.batch = request.batch;
    path.label = request.label;
    path.src = request.src;
    path.dst = request.dst;
    return path;
  }
  std::optional<BatchProgress> look(std::uint64_t id, std::size_t first) const {
    const auto found = batches_.find(id);
    if (found == batches_.end()) return std::nullopt;
    const Batch& batch = found->second;
    BatchProgress progress{.batch = id,
                           .user = batch.user,
                           .total = batch.total,
                           .ended = {},
                           .open = batch.open,
                           .waiting = batch.waiting,
                           .waiting_for = waiting_for_,
                           .is_complete = batch.open.empty(),
                           .is_stopping = is_stopping_};
    for (std::size_t i = first; i < batch.ended.size(); ++i) {
      progress.ended.push_back(batch.ended[i]);
    }
    return progress;
  }
  bool order(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!what.ends_with("ams01") && !what.ends_with("fra02")) return false;
    orders_.push_back(what);
    return true;
  }

  std::vector<SourceInfo> sources_;
  std::vector<VantagePointInfo> vps_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::uint64_t, Batch> batches_;
  std::map<std::uint64_t, Request> requests_;
  RequestFaults faults_;
  std::vector<std::string> orders_;
  std::string cancel_fault_;
  std::unordered_map<std::uint64_t, std::string> waiting_for_;
  bool is_stopping_ = false;
  Usage usage_;
  std::uint64_t next_ = 2;
};

}  // namespace backsight::controller
