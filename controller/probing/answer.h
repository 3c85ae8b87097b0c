// A probe that the controller asked for, and what is known of its end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "controller/now.h"
#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"
#include "probes/probe.h"
#include "tasks/result.h"

namespace backsight::controller {

// Two probes with one key are the same question.
struct ProbeKey {
  VpIndex sender = kNoVp;
  probes::Kind kind = probes::Kind::kPing;
  probes::Ipv4Addr src;  // in the packet: the sender's address, or the one it spoofs
  probes::Ipv4Addr dst;

  friend bool operator==(const ProbeKey&, const ProbeKey&) = default;
};

struct ProbeKeyHash {
  std::size_t operator()(const ProbeKey& key) const noexcept {
    const std::uint64_t addresses = std::uint64_t{key.src.value} << 32 | key.dst.value;
    const std::uint64_t rest = std::uint64_t{key.sender} << 8 | static_cast<std::uint8_t>(key.kind);
    std::uint64_t mixed = (addresses ^ rest * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
    mixed ^= mixed >> 32;
    return static_cast<std::size_t>(mixed * 0xc4ceb9fe1a85ec53 >> 7);
  }
};

struct Answer {
  enum class State : std::uint8_t {
    kWaiting,   // to be sent, or within the time that its answer usually takes
    kOverdue,   // beyond it: nobody waits any more, but it may come
    kAnswered,  // by an echo reply, or a trace that ended
    kError,     // by an ICMP error
    kSilent,    // not at all
    kFailed,    // it was not sent, see `reason`, or its answer was ours to lose
  };

  std::uint64_t id = 0;  // of the task
  ProbeKey key;
  bool is_spoofed = false;
  State state = State::kWaiting;
  tasks::Reason reason = tasks::Reason::kNone;
  std::uint64_t revtr = 0;  // that first asked; 0: background
  SteadyNs asked_at = 0;
  SteadyNs handed_at = 0;  // to the vantage point; 0: not yet
  SteadyNs left_at = 0;    // from there, or was seen to have left; 0: not known to have left
  SteadyNs ended_at = 0;   // of the states from kAnswered on
  std::uint64_t sent_unix_us = 0;
  std::uint64_t rtt_ns = 0;  // 0: not known, as of spoofed ones
  tasks::ReplySummary reply;
  tasks::Recorded recorded;
  tasks::Outcome outcome = tasks::Outcome::kTimedOut;
  std::vector<tasks::Hop> hops;  // of a trace
  std::uint32_t packets = 1;     // that it took; known when it has ended

  [[nodiscard]] bool has_ended() const noexcept { return state >= State::kAnswered; }
  // It was on the wire, so that its answer, or that there is none, is the network's word.
  [[nodiscard]] bool was_asked() const noexcept { return state != State::kFailed && left_at != 0; }
  [[nodiscard]] bool has_route() const noexcept {
    return state == State::kAnswered && recorded.what == tasks::Recorded::What::kRoute &&
           !recorded.from_quote;
  }
};

}  // namespace backsight::controller
