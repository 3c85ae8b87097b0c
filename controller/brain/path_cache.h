// Answers that are there already, and questions that are asked already: by source and destination,
// and by source and the destination's network when two of its hosts were found behind one gateway.
//
// Of many requests for one /24 two are scouts, and the others wait for them. If both scouts came in
// by the same gateway of that network and their paths agree, the others get their answer from them.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "controller/now.h"
#include "controller/request.h"
#include "controller/reverse_path.h"
#include "probes/ip/network.h"

namespace backsight::controller {

class PathCache {
 public:
  // What to do with a request.
  struct Verdict {
    enum class What : std::uint8_t {
      kMeasure,
      kWait,    // a measurement under way will tell
      kAnswer,  // `path` is it
    };
    What what = What::kMeasure;
    ReversePath path;
  };
  Verdict ask(const Request& request, const Now& now);

  // A measurement of its own has ended; `gateway` is the stamp of the destination's own network, if
  // there was one. Those who waited for it are answered or, if it does not tell, to be measured.
  struct Answered {
    Request request;
    ReversePath path;
  };
  struct Outcome {
    std::vector<Answered> answers;
    std::vector<Request> to_measure;
  };
  Outcome on_ended(const Request& request, const ReversePath& path, probes::Ipv4Addr gateway,
                   const Now& now);

  // It waits no more; others go on waiting, one of them in its place where it needs one. Nothing:
  // it did not wait.
  std::optional<Request> forget(std::uint64_t request);
  [[nodiscard]] std::size_t waiting() const noexcept { return pair_of_waiting_.size(); }

 private:
  struct Kept {
    ReversePath path;
    SteadyNs at = 0;
  };
  // Who is measured for a pair, or waits for its network, and those who wait for the same answer.
  struct UnderWay {
    std::uint64_t leader = 0;
    std::vector<Request> followers;
  };
  struct Network {
    std::vector<std::uint64_t> scouts;  // under way
    std::vector<Request> waiting;
    probes::Ipv4Addr gateway;  // of those that came back
    std::uint8_t agreeing = 0;
    bool disagrees = false;
    Kept model;
  };
  static std::uint64_t pair_of(const Request& request) noexcept {
    return std::uint64_t{request.src.value} << 32 | request.dst.value;
  }
  static std::uint64_t network_of_pair(std::uint64_t pair) noexcept {
    const probes::Ipv4Addr dst{static_cast<std::uint32_t>(pair)};
    return pair >> 32 << 32 | probes::network_of(dst);
  }
  static std::uint64_t network_of(const Request& request) noexcept {
    return network_of_pair(pair_of(request));
  }
  [[nodiscard]] static bool is_fresh(const Kept& kept, const Request& request, const Now& now);
  [[nodiscard]] static ReversePath copy(const ReversePath& path, const Request& request,
                                        const Now& now);
  void keep(std::uint64_t pair, const ReversePath& path, const Now& now);
  void learn_network(Network& network, const ReversePath& path, probes::Ipv4Addr gateway,
                     const Now& now);
  void tell_followers(const Request& ended, const ReversePath& path, Outcome& outcome,
                      const Now& now);
  void tell_network(const Request& ended, const ReversePath& path, probes::Ipv4Addr gateway,
                    Outcome& outcome, const Now& now);
  void answer(const Request& request, const ReversePath& path, Outcome& outcome, const Now& now);

  std::unordered_map<std::uint64_t, Kept> by_pair_;
  std::deque<std::uint64_t> by_age_;
  std::unordered_map<std::uint64_t, UnderWay> under_way_;  // by pair; of those that use the cache
  std::unordered_map<std::uint64_t, Network> networks_;
  std::unordered_map<std::uint64_t, std::uint64_t> pair_of_waiting_;  // by request
};

}  // namespace backsight::controller
