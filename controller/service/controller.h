// The controller at work: the brain (controller/brain) with clock, queues, disk and users around
// it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/controller/controller_config.h"
#include "config/error.h"
#include "config/lists/deny_list.h"
#include "controller/annotation/annotation.h"
#include "controller/archive/archive.h"
#include "controller/brain/brain.h"
#include "controller/journal/id_source.h"
#include "controller/journal/request_book.h"
#include "controller/service.h"
#include "controller/service/brain_clock.h"
#include "controller/service/files.h"
#include "controller/service/inbox.h"
#include "controller/service/vp_link.h"
#include "controller/service/vp_watch.h"

namespace backsight::controller {

class Controller final : public Service {
 public:
  // `book` and `archive` outlive this. Takes the imported traceroutes out of `files`. Probes get
  // their numbers from `probe_ids`.
  Controller(const config::ControllerConfig& config, ControllerFiles& files, RequestBook& book,
             Archive& archive, IdSource probe_ids);
  ~Controller() override;

  // From now on these are used; of what they do not have, what was before. Thread: any.
  void replace(DataFiles files);

  // What an earlier life had accepted and not ended is measured now; of these, `cancelled` end as
  // that. REQUIRES: before run().
  void resume(const std::vector<Request>& requests, const std::vector<std::uint64_t>& cancelled);

  // From here on nothing is sent to these, or in their name. REQUIRES: before run(), or by the
  // thread that runs.
  void deny(config::PrefixSet denied);

  // Works until stop().
  void run();
  // Async-signal-safe.
  void stop() noexcept { is_stopping_.store(true, std::memory_order_relaxed); }
  // Called about once a second by the thread that runs.
  std::function<void()> on_second;

  [[nodiscard]] tl::expected<Accepted, RequestFaults> submit(
      std::vector<Request> requests) override;
  [[nodiscard]] std::optional<BatchProgress> progress(std::uint64_t batch,
                                                      std::size_t first) const override;
  [[nodiscard]] std::optional<BatchProgress> wait_for_more(
      std::uint64_t batch, std::size_t first, std::chrono::milliseconds patience) const override;
  tl::expected<void, std::string> cancel(std::uint64_t batch) override;
  [[nodiscard]] std::vector<EndedPath> with_label(const std::string& user, const std::string& label,
                                                  std::size_t most) const override;
  [[nodiscard]] std::vector<SourceInfo> sources() const override;
  [[nodiscard]] std::vector<VantagePointInfo> vantage_points() const override;
  bool refresh_atlas(const std::string& source) override;
  bool clear_atlas(const std::string& source) override;
  [[nodiscard]] Usage usage(const std::string& user) const override;

  // A copy of the figures of about now. Thread: any.
  struct Figures {
    BrainFigures brain;
    ProberFigures probing;
    std::size_t under_way = 0;
    std::size_t waiting = 0;  // of these, not begun
    std::size_t open_circuits = 0;
    std::size_t contradicted = 0;
    std::size_t queue_troubles = 0;   // what keeps queues from working
    std::uint64_t tasks_dropped = 0;  // that no queue took
    std::size_t statuses_left_out = 0;
    std::size_t waiting_for_source = 0;  // of those under way
    bool is_held = false;                // measuring stands still
  };
  [[nodiscard]] Figures figures() const;
  // What keeps queues from working or requests waiting, one sentence each. Thread: any.
  [[nodiscard]] std::vector<std::string> troubles() const;
  // The thread that runs came by so long ago. Thread: any.
  [[nodiscard]] std::chrono::nanoseconds since_last_turn() const;

 private:
  struct Link {
    std::unique_ptr<VpLink> link;
    VpIndex vp = kNoVp;
    std::string why_not;      // it does not work, as the brain knows; empty: it does
    std::uint64_t taken = 0;  // messages of results
    std::uint64_t safe = 0;   // of these
    // Messages that are safe once the archive has synced that record.
    std::deque<std::pair<std::uint64_t, std::uint64_t>> unsafe;
  };
  struct View {  // what other threads see
    std::vector<SourceInfo> sources;
    std::vector<VantagePointInfo> vps;
    Figures figures;
    std::vector<std::string> queue_troubles;  // each once
    bool has_looked = false;                  // for vantage points, since the start
    std::string why_held;                     // measuring stands still; empty: it does not
    // Requests that wait for their source, and one sentence for each of these sources.
    using Waiting = std::unordered_map<std::uint64_t, probes::Ipv4Addr>;
    std::shared_ptr<const Waiting> waiting = std::make_shared<const Waiting>();
    std::map<probes::Ipv4Addr, std::string> waited_for;
    std::unordered_set<std::uint64_t> begun;  // requests that are measured now
  };

  // Says which of the open ones have not begun, and what they wait for.
  [[nodiscard]] std::optional<BatchProgress> with_waiting(
      std::optional<BatchProgress> progress) const;
  void take_in(Inbound inbound, const Now& now);
  void take_over(DataFiles files);
  void hear(const Announcement& announcement, const Now& now);
  void mind_queues(const Now& now);
  void set_link(Link& link, std::string why_not, const Now& now);
  void give_out(BrainOutput& output);
  void hold_or_go_on(SteadyNs real);
  [[nodiscard]] std::string why_hold() const;
  void put(std::vector<Prober::Outgoing> tasks);
  void mark_safe();
  void reserve_probe_ids();
  void refresh_view(const Now& now);
  void tell_imports();
  void show_waiting(View& view, const Now& now);
  [[nodiscard]] std::string why_not_storable() const;
  [[nodiscard]] std::optional<RequestFault> fault_of(const Request& request,
                                                     const config::BogonPolicy& bogons) const;
  [[nodiscard]] OpenQueue queue_opener() const;

  const config::ControllerConfig config_;
  RequestBook& book_;
  Archive& archive_;
  IdSource probe_ids_;
  std::uint64_t probe_ids_end_ = 0;  // numbers below are ours
  std::string probe_ids_fault_;      // why no more are
  Brain brain_;
  Inbox inbox_;
  std::unordered_map<std::string, Link> links_;
  std::vector<Link*> by_vp_;
  std::set<std::string> queue_troubles_;  // told
  std::uint64_t tasks_dropped_ = 0;
  std::uint64_t archived_ = 0;  // the last record
  BrainClock clock_;
  std::vector<Prober::Outgoing> held_tasks_;  // while the clock stands still
  std::string why_held_;
  bool has_looked_ = false;
  std::uint64_t waiting_version_ = ~std::uint64_t{0};  // of what view_ says of it
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::int64_t> last_turn_ns_{0};
  std::string imports_told_;
  mutable std::mutex view_mutex_;
  View view_;
  config::PrefixSet denied_;        // as users are told; set under view_mutex_
  std::unique_ptr<VpWatch> watch_;  // while it runs; set under view_mutex_
};

}  // namespace backsight::controller
