#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "controller/metrics/controller_metrics.h"
#include "daemon/health_pages.h"
#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

// The controller's thread comes by many times a second.
constexpr std::chrono::seconds kLongestTurn{5};

}  // namespace

class ControllerPages::Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const Watched& watched) : watched_(watched) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    return daemon::collect(controller_metrics(), figures_of(watched_));
  }

 private:
  const Watched& watched_;
};

ControllerFigures figures_of(const Watched& watched) {
  return {.work = watched.controller.figures(),
          .book = watched.book.health(),
          .archive = watched.archive.status(),
          .api = watched.api.figures(),
          .sources = watched.controller.sources(),
          .vantage_points = watched.controller.vantage_points(),
          .now_unix_us = unix_us(),
          .disbelieved_clock_seconds = disbelieved_clock_seconds(),
          .since_last_turn_seconds =
              std::chrono::duration<double>(watched.controller.since_last_turn()).count(),
          .is_ready = why_not_ready(watched).empty(),
          .version = watched.version,
          .started_unix_seconds = watched.started_unix_seconds};
}

std::vector<std::string> why_not_alive(const Watched& watched) {
  const auto turn = watched.controller.since_last_turn();
  if (turn < kLongestTurn) return {};
  return {fmt::format("nothing has been measured or answered for {:.0f} s",
                      std::chrono::duration<double>(turn).count())};
}

std::vector<std::string> why_not_ready(const Watched& watched) {
  std::vector<std::string> faults = why_not_alive(watched);
  for (std::string& trouble : watched.controller.troubles()) faults.push_back(std::move(trouble));
  const auto sources = watched.controller.sources();
  if (std::ranges::none_of(sources, &SourceInfo::is_ready)) {
    faults.push_back(sources.empty()
                         ? "no vantage point has announced itself on the queue"
                         : fmt::format("none of {} sources is ready; {}: {}", sources.size(),
                                       sources.front().name, sources.front().why_not));
  }
  if (auto fault = watched.book.health().why_not_writable; !fault.empty()) {
    faults.push_back("requests are refused: " + fault);
  }
  if (auto fault = watched.archive.status().failing; !fault.empty()) {
    faults.push_back("nothing is archived: " + fault);
  }
  return faults;
}

ControllerPages::ControllerPages(const Watched& watched)
    : watched_(watched), metrics_(std::make_shared<Metrics>(watched_)) {}

Expected<std::unique_ptr<ControllerPages>> ControllerPages::start(const std::string& listen,
                                                                  const Watched& watched) {
  std::unique_ptr<ControllerPages> pages(new ControllerPages(watched));
  auto server = daemon::HttpServer::start(listen, [it = pages.get()](const std::string& path) {
    return daemon::answer_health(path,
                                 {.metrics = *it->metrics_,
                                  .why_not_alive = [it] { return why_not_alive(it->watched_); },
                                  .why_not_ready = [it] { return why_not_ready(it->watched_); }});
  });
  if (!server) return tl::unexpected(server.error());
  pages->server_ = std::move(*server);
  return pages;
}

}  // namespace backsight::controller
