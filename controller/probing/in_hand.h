// What vantage points were handed and is not known to have left them, and how much of it there may
// be.
//
// A vantage point sends the probes of a lane in the order in which they came, so the report of one
// tells of all before it that they have left. How long probes take to leave shows what holds them
// back there (its limits, its queue, other users): above kMostWait a lane is given less at once,
// below more, as RFC 6817 does with bytes. Thread: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include "controller/now.h"
#include "controller/probing/lane.h"

namespace backsight::controller {

class InHand {
 public:
  // Packets a second of the vantage point; 0: without limit.
  void limit(VpIndex vp, double pps);

  [[nodiscard]] bool has_room(const Lane& lane) const;
  // Returns a number that tells its place in the lane; numbers grow.
  std::uint64_t hand(const Lane& lane, std::uint64_t probe, SteadyNs now);
  // The one of that number left, and with it all before it. Appends the probes among these that
  // were not known to have left, itself included.
  void on_left(const Lane& lane, std::uint64_t number, SteadyNs now,
               std::vector<std::uint64_t>& probes);
  // One of the lane waited so long at the vantage point, as is heard now.
  void learn(const Lane& lane, SteadyNs waited, SteadyNs now);
  // It ended otherwise.
  void drop(const Lane& lane, std::uint64_t number);

  // By vantage point, how long the probes of its lanes wait there now, at the longest: raises what
  // `waits` says.
  void raise(std::unordered_map<VpIndex, SteadyNs>& waits, SteadyNs now) const;
  // How long the last one waited there.
  [[nodiscard]] SteadyNs wait_of(const Lane& lane) const;
  // When one of the lane was last seen to have left; 0: never.
  [[nodiscard]] SteadyNs moved_at(const Lane& lane) const;
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }

 private:
  struct Held {
    std::uint64_t number = 0;
    std::uint64_t probe = 0;  // 0: it has ended
  };
  struct State {
    std::deque<Held> held;
    std::uint64_t packets = 0;
    double room = 0;        // packets
    SteadyNs wait = 0;      // of the last one
    SteadyNs standing = 0;  // that nobody was spared in the last interval
    SteadyNs least = ~SteadyNs{0};
    SteadyNs interval_at = 0;
    SteadyNs moved_at = 0;
  };

  [[nodiscard]] double most_of(VpIndex vp) const;
  void forget(State& state, const Lane& lane, Held& held);

  std::map<Lane, State> lanes_;
  std::map<VpIndex, double> pps_;
  std::uint64_t next_ = 1;
  std::uint64_t packets_ = 0;
};

}  // namespace backsight::controller
