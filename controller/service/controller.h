// The controller at work, as the API sees it (controller/service.h): a loop that measures
// (loop.h), requests for it (requests.h), and what is seen of it (view.h).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/controller/controller_config.h"
#include "config/lists/deny_list.h"
#include "controller/archive/archive.h"
#include "controller/journal/request_book.h"
#include "controller/service.h"
#include "controller/service/files.h"
#include "controller/service/inbox.h"
#include "controller/service/loop.h"
#include "controller/service/requests.h"
#include "controller/service/view.h"
#include "controller/service/vp_watch.h"

namespace backsight::controller {

// Thread: any, unless it says otherwise.
class Controller final : public Service {
 public:
  // `book` and `archive` outlive this. Takes the imported traceroutes out of `files`. Probes get
  // their numbers from `probe_ids`.
  Controller(const config::ControllerConfig& config, ControllerFiles& files, RequestBook& book,
             Archive& archive, IdSource probe_ids, const OpenQueue& open,
             const Clock& clock = system_clock());

  // From now on these are used; of what they do not have, what was before.
  void replace(DataFiles files);
  // What an earlier process had accepted and not ended is measured now; of these, `cancelled` end
  // as that.
  void resume(const std::vector<Request>& requests, const std::vector<std::uint64_t>& cancelled);
  // From here on nothing is sent to these, or in their name. Thread: the one that runs.
  void deny(const config::PrefixSet& denied);

  // Works until stop(). Calls `on_second` about once a second.
  void run(const std::function<void()>& on_second) { loop_.run(on_second); }
  // Async-signal-safe.
  void stop() noexcept;

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

  // About as it is now.
  [[nodiscard]] WorkFigures figures() const { return view_.get()->figures; }
  // What keeps queues from working or requests waiting, one sentence each.
  [[nodiscard]] std::vector<std::string> troubles() const { return troubles_of(*view_.get()); }
  // The thread that runs came by so long ago.
  [[nodiscard]] std::chrono::nanoseconds since_last_turn() const { return loop_.since_last_turn(); }

 private:
  bool order(std::vector<std::string> Inbound::*what, const std::string& source);

  RequestBook& book_;
  Inbox inbox_;
  CurrentView view_;
  VpWatch watch_;
  Requests requests_;
  Loop loop_;
};

}  // namespace backsight::controller
