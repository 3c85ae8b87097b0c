#include "controller/brain/admission.h"

#include <algorithm>
#include <utility>

#include "probes/assert.h"

namespace backsight::controller {

namespace {

constexpr SteadyNs kMostWait = 500 * kMillisecond;
// Before anything is known: what a source of 300 packets a second carries, or of fewer.
constexpr double kFirstRoom = 32;
constexpr double kFirstRoomPerPps = 0.1;
constexpr double kLeastRoom = 4;
// Of its room a source must use so much to be given more.
constexpr double kUsed = 0.75;

// The next one behind `key`, and behind the last one the first. REQUIRES: not empty.
template <typename Map>
typename Map::iterator after(Map& map, const typename Map::key_type& key) {
  const auto at = map.upper_bound(key);
  return at == map.end() ? map.begin() : at;
}

}  // namespace

Admission::Source& Admission::source(probes::Ipv4Addr address) {
  expect(address, 0);
  return sources_.at(address);
}

void Admission::expect(probes::Ipv4Addr address, double pps) {
  const auto [at, is_new] = sources_.try_emplace(address);
  if (!is_new) return;
  const double carried = pps <= 0 ? kFirstRoom : pps * kFirstRoomPerPps;
  at->second.room = std::clamp(carried, kLeastRoom, kFirstRoom);
}

void Admission::push(const Request& request) {
  BACKSIGHT_ASSERT(!requests_.contains(request.id));
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

// One more for each that ended while questions did not wait: so room doubles in the time that a
// measurement takes, whatever that is.
void Admission::on_ended(probes::Ipv4Addr address) {
  Source& it = source(address);
  if (it.is_free && static_cast<double>(it.under_way) >= kUsed * it.room) ++it.room;
  --it.under_way;
}

void Admission::adapt(Source& it, SteadyNs wait) {
  const auto under_way = static_cast<double>(it.under_way);
  it.is_held_up = wait > kMostWait;
  it.is_free = wait < kMostWait / 2;
  if (it.is_held_up) it.room = std::max(kLeastRoom, std::min(it.room, under_way));
}

std::size_t Admission::room_of(probes::Ipv4Addr address) const {
  const auto at = sources_.find(address);
  return static_cast<std::size_t>(at == sources_.end() ? kFirstRoom : at->second.room);
}

}  // namespace backsight::controller
