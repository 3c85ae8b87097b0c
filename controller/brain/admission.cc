#include "controller/brain/admission.h"

#include <algorithm>
#include <utility>

namespace backsight::controller {

namespace {

constexpr SteadyNs kMostWait = 500 * kMillisecond;
// Before anything is known: what a source of 300 packets a second carries.
constexpr double kFirstRoom = 32;
constexpr double kLeastRoom = 4;
// Every kEvery: what begins now will want most of its probes in a second or two.
constexpr double kGrowth = 1.05;

// The next one behind `key`, and behind the last one the first. REQUIRES: not empty.
template <typename Map>
typename Map::iterator after(Map& map, const typename Map::key_type& key) {
  const auto at = map.upper_bound(key);
  return at == map.end() ? map.begin() : at;
}

}  // namespace

Admission::Source& Admission::source(probes::Ipv4Addr address) {
  const auto [at, is_new] = sources_.try_emplace(address);
  if (is_new) at->second.room = kFirstRoom;
  return at->second;
}

void Admission::push(const Request& request) {
  source(request.src).users[request.user].batches[request.batch].push_back(request.id);
  requests_.emplace(request.id, request);
}

std::optional<Request> Admission::take_back(std::uint64_t request) {
  auto node = requests_.extract(request);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

std::optional<Request> Admission::take_turn(User& user) {
  while (!user.batches.empty()) {
    const auto batch = after(user.batches, user.last);
    user.last = batch->first;
    std::optional<Request> taken;
    while (!taken && !batch->second.empty()) {
      taken = take_back(batch->second.front());
      batch->second.pop_front();
    }
    if (batch->second.empty()) user.batches.erase(batch);
    if (taken) return taken;
  }
  return std::nullopt;
}

std::optional<Request> Admission::take_turn(Source& it) {
  while (!it.users.empty()) {
    const auto user = after(it.users, it.last);
    it.last = user->first;
    auto taken = take_turn(user->second);
    if (user->second.batches.empty()) it.users.erase(user);
    if (taken) return taken;
  }
  return std::nullopt;
}

std::optional<Request> Admission::next() {
  if (requests_.empty()) return std::nullopt;
  for (auto& [address, it] : sources_) {
    if (!may_begin(it)) continue;
    if (auto taken = take_turn(it)) return taken;
  }
  return std::nullopt;
}

bool Admission::has_next() const {
  return !requests_.empty() &&
         std::ranges::any_of(sources_, [&](const auto& it) { return may_begin(it.second); });
}

void Admission::on_begun(probes::Ipv4Addr address) { ++source(address).under_way; }

void Admission::on_ended(probes::Ipv4Addr address) { --source(address).under_way; }

void Admission::adapt(Source& it, SteadyNs wait) {
  const auto under_way = static_cast<double>(it.under_way);
  it.is_held_up = wait > kMostWait;
  if (it.is_held_up) {
    it.room = std::max(kLeastRoom, std::min(it.room, under_way));
  } else if (wait < kMostWait / 2 && under_way + 1 > it.room) {
    it.room *= kGrowth;  // room that nobody needs shows nothing
  }
}

std::size_t Admission::room_of(probes::Ipv4Addr address) const {
  const auto at = sources_.find(address);
  return static_cast<std::size_t>(at == sources_.end() ? kFirstRoom : at->second.room);
}

}  // namespace backsight::controller
