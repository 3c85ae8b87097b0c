// Which measurements may begin. A source carries as many at once as its vantage point, and those
// who send in its name, give probes for; the others wait here, and begin as those under way end.
//
// How many that is shows in how long questions wait for these vantage points: while they do not,
// more begin, and while they do, none. That needs no rate and sees every limit: of the controller,
// of vantage points, of their queues.
//
// Among those who wait for one source, users come in turn, of each user its batches in turn, of
// each batch its requests in order. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/now.h"
#include "controller/request.h"
#include "probes/ip/address.h"

namespace backsight::controller {

class Admission {
 public:
  // Without a limit, all begin at once.
  explicit Admission(bool has_limit = true) : has_limit_(has_limit) {}

  // Packets a second of the source's vantage point, 0: without limit. Says how many may begin
  // before anything else is known; later it is not looked at.
  void expect(probes::Ipv4Addr source, double pps);
  // REQUIRES: no request of that number waits.
  void push(const Request& request);
  // It waits no more. Nothing: it did not wait.
  std::optional<Request> take_back(std::uint64_t request);
  // The next one that may begin; nothing: none may. When it begins, on_begun() is called.
  [[nodiscard]] std::optional<Request> next();
  // next() has one.
  [[nodiscard]] bool has_next() const;

  void on_begun(probes::Ipv4Addr source);
  void on_ended(probes::Ipv4Addr source);
  // To be called every kEvery. `wait_of(source)`: for how long the questions of its measurements
  // have waited by now.
  static constexpr SteadyNs kEvery = 100 * kMillisecond;
  template <typename WaitOf>
  void adapt(WaitOf wait_of) {
    for (auto& [address, it] : sources_) adapt(it, wait_of(address));
  }

  [[nodiscard]] std::size_t waiting() const noexcept { return requests_.size(); }
  // May be under way at once for this source, as is known now.
  [[nodiscard]] std::size_t room_of(probes::Ipv4Addr source) const;

 private:
  struct User {
    std::map<std::uint64_t, std::deque<std::uint64_t>> batches;  // their requests, in order
    std::uint64_t last = 0;                                      // whose turn it was
  };
  struct Source {
    std::map<std::string, User> users;
    std::string last;  // whose turn it was
    std::size_t under_way = 0;
    double room = 0;
    bool is_held_up = false;  // its questions wait
    bool is_free = true;      // they hardly do

    [[nodiscard]] bool has_room() const noexcept {
      return !is_held_up && static_cast<double>(under_way) + 1 <= room;
    }
  };

  Source& source(probes::Ipv4Addr address);
  static void adapt(Source& source, SteadyNs wait);
  // The request whose turn it is; the turn passes on. Nothing: none is left.
  std::optional<Request> take_turn(Source& source);
  std::optional<Request> take_turn(User& user);

  [[nodiscard]] bool may_begin(const Source& source) const noexcept {
    return !source.users.empty() && (!has_limit_ || source.has_room());
  }

  bool has_limit_;
  std::map<probes::Ipv4Addr, Source> sources_;
  std::unordered_map<std::uint64_t, Request> requests_;  // that wait
};

}  // namespace backsight::controller
