#include "controller/service/controller.h"

#include <algorithm>
#include <utility>

namespace backsight::controller {

namespace {

std::optional<BatchProgress> with_waiting(std::optional<BatchProgress> progress,
                                          const CurrentView& view) {
  if (progress) add_waiting(*progress, *view.get());
  return progress;
}

}  // namespace

Controller::Controller(const config::ControllerConfig& config, ControllerFiles& files,
                       RequestBook& book, Archive& archive, IdSource probe_ids,
                       const OpenQueue& open, const Clock& clock)
    : book_(book),
      watch_(open, inbox_),
      requests_({.allow_bogons = config.allow_bogons, .max_under_way = config.limits.max_under_way},
                book, archive, inbox_, view_, [this] { return watch_.trouble(); }),
      loop_(config, files, ProbeIds(std::move(probe_ids)), open,
            {.book = book, .archive = archive, .inbox = inbox_, .view = view_, .watch = watch_},
            clock) {
  requests_.deny(files.deny);
}

void Controller::replace(DataFiles files) {
  inbox_.add([&](Inbound& in) { in.files.push_back(std::move(files)); });
}

void Controller::resume(const std::vector<Request>& requests,
                        const std::vector<std::uint64_t>& cancelled) {
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
    in.cancelled.insert(in.cancelled.end(), cancelled.begin(), cancelled.end());
  });
}

void Controller::deny(const config::PrefixSet& denied) {
  requests_.deny(denied);
  loop_.deny(denied);
}

void Controller::stop() noexcept {
  requests_.close();
  loop_.stop();
}

tl::expected<Accepted, RequestFaults> Controller::submit(std::vector<Request> requests) {
  return requests_.submit(std::move(requests));
}

std::optional<BatchProgress> Controller::progress(std::uint64_t batch, std::size_t first) const {
  return with_waiting(book_.progress(batch, first), view_);
}

std::optional<BatchProgress> Controller::wait_for_more(std::uint64_t batch, std::size_t first,
                                                       std::chrono::milliseconds patience) const {
  return with_waiting(book_.wait_for_more(batch, first, patience), view_);
}

tl::expected<void, std::string> Controller::cancel(std::uint64_t batch) {
  return requests_.cancel(batch);
}

std::vector<EndedPath> Controller::with_label(const std::string& user, const std::string& label,
                                              std::size_t most) const {
  return book_.with_label(user, label, most);
}

std::vector<SourceInfo> Controller::sources() const { return view_.get()->sources; }

std::vector<VantagePointInfo> Controller::vantage_points() const { return view_.get()->vps; }

bool Controller::order(std::vector<std::string> Inbound::*what, const std::string& source) {
  const auto view = view_.get();
  if (std::ranges::find(view->sources, source, &SourceInfo::name) == view->sources.end()) {
    return false;
  }
  inbox_.add([&](Inbound& in) { (in.*what).push_back(source); });
  return true;
}

bool Controller::refresh_atlas(const std::string& source) {
  return order(&Inbound::refresh, source);
}

bool Controller::clear_atlas(const std::string& source) { return order(&Inbound::clear, source); }

Service::Usage Controller::usage(const std::string& user) const { return book_.usage(user); }

}  // namespace backsight::controller
