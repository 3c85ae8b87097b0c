// The controller and its queues: what keeps one from working is told once, and nobody behind it is
// asked anything, or blamed.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "controller/service/controller.h"
#include "queue/client.h"

namespace backsight::controller {

OpenQueue Controller::queue_opener() const {
  queue::QueueAddress address(config_.queue.url);
  address.credentials = config_.queue.credentials.string();
  address.tls_ca = config_.queue.tls_ca.string();
  address.tls_cert = config_.queue.tls_cert.string();
  address.tls_key = config_.queue.tls_key.string();
  address.state = config_.queue.state.string();
  return [address] { return queue::open_queue(address); };
}

void Controller::set_link(Link& link, std::string why_not, const Now& at) {
  if (why_not == link.why_not) return;
  brain_.set_link(link.vp, why_not, at);
  link.why_not = std::move(why_not);
}

void Controller::mind_queues(const Now& at) {
  std::set<std::string> troubles;
  tasks_dropped_ = 0;
  for (auto& [name, link] : links_) {
    VpLink::State state = link.link->state();
    tasks_dropped_ += state.dropped;
    // While it is being opened for the first time, that stays its reason.
    if (state.works || !state.trouble.empty()) set_link(link, state.trouble, at);
    if (!state.trouble.empty()) troubles.insert(std::move(state.trouble));
  }
  if (std::string trouble = watch_->trouble(); !trouble.empty())
    troubles.insert(std::move(trouble));
  for (const std::string& it : troubles) {
    if (!queue_troubles_.contains(it)) spdlog::warn("{}; trying again", it);
  }
  if (troubles.empty() && !queue_troubles_.empty()) spdlog::info("the queue works again");
  queue_troubles_ = std::move(troubles);
}

}  // namespace backsight::controller
