#include "controller/service/fleet.h"

#include <algorithm>
#include <utility>

#include "queue/client.h"

namespace backsight::controller {

OpenQueue queue_opener(const config::ControllerConfig& config) {
  queue::QueueAddress address(config.queue.url);
  address.credentials = config.queue.credentials.string();
  address.tls_ca = config.queue.tls_ca.string();
  address.tls_cert = config.queue.tls_cert.string();
  address.tls_key = config.queue.tls_key.string();
  address.state = config.queue.state.string();
  return [address] { return queue::open_queue(address); };
}

bool Fleet::connect(const std::string& name, VpIndex vp) {
  Link& link = links_[name];
  if (link.link != nullptr) return false;
  link.vp = vp;
  link.link = std::make_unique<VpLink>(open_, name, inbox_);
  link.link->deny(denied_);
  if (by_vp_.size() <= vp) by_vp_.resize(vp + 1U);
  by_vp_[vp] = link.link.get();
  return true;
}

void Fleet::send(const std::vector<Prober::Outgoing>& tasks) {
  std::unordered_map<VpIndex, std::vector<tasks::Task>> by_vp;
  for (const auto& [vp, task] : tasks) by_vp[vp].push_back(task);
  for (auto& [vp, its] : by_vp) by_vp_[vp]->put(std::move(its));
}

void Fleet::deny(const config::PrefixSet& denied) {
  denied_ = denied;
  for (auto& [name, link] : links_) link.link->deny(denied);
}

VpIndex Fleet::count_results(const std::string& name) {
  Link& link = links_.at(name);
  ++link.taken;
  return link.vp;
}

void Fleet::commit(std::uint64_t last, std::uint64_t durable) {
  for (auto& [name, link] : links_) {
    const std::uint64_t marked = link.marks.empty() ? link.committed : link.marks.back().messages;
    if (link.taken > marked) link.marks.push_back({last, link.taken});
    while (!link.marks.empty() && link.marks.front().record <= durable) {
      link.committed = link.marks.front().messages;
      link.marks.pop_front();
      link.link->commit_up_to(link.committed);
    }
  }
}

bool Fleet::is_behind() const {
  return std::ranges::any_of(links_, [](const auto& it) { return it.second.link->is_behind(); });
}

std::vector<Fleet::Change> Fleet::check() {
  std::vector<Change> changes;
  troubles_.clear();
  tasks_dropped_ = 0;
  for (auto& [name, link] : links_) {
    VpLink::State state = link.link->state();
    tasks_dropped_ += state.dropped;
    if (!state.trouble.empty()) troubles_.insert(state.trouble);
    // While it is being opened for the first time, that stays its reason.
    const bool is_known = state.works || !state.trouble.empty();
    if (!is_known || state.trouble == link.why_not) continue;
    link.why_not = state.trouble;
    changes.push_back({link.vp, std::move(state.trouble)});
  }
  return changes;
}

}  // namespace backsight::controller
