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

  // It waits no more. False: it did not wait.
  bool forget(std::uint64_t request);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  struct Kept {
    ReversePath path;
    SteadyNs at = 0;
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
  static std::uint64_t network_of(const Request& request) noexcept {
    return std::uint64_t{request.src.value} << 32 | request.dst.value >> 8 << 8;
  }
  [[nodiscard]] static bool is_fresh(const Kept& kept, const Request& request, const Now& now);
  [[nodiscard]] static ReversePath copy(const ReversePath& path, const Request& request,
                                        const Now& now);
  void learn_network(Network& network, const ReversePath& path, probes::Ipv4Addr gateway,
                     const Now& now);

  std::unordered_map<std::uint64_t, Kept> by_pair_;
  std::deque<std::uint64_t> by_age_;
  std::unordered_map<std::uint64_t, std::vector<Request>> followers_;  // of a pair under way
  std::unordered_map<std::uint64_t, Network> networks_;
  std::size_t waiting_count_ = 0;
};

}  // namespace backsight::controller
