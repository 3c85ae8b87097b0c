// What a vantage point answers. Plain records of fixed size: workers write them, one ring carries
// them, the codecs turn them into FlatBuffers and JSON.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "probes/ip/address.h"
#include "probes/probe.h"
#include "probes/reading/reply.h"

namespace backsight::tasks {

enum class Outcome : std::uint8_t {
  kReplied,  // an echo reply
  kError,    // an ICMP error answered; see `reply`
  kTimedOut,
  kSent,        // spoofed: the reply goes elsewhere
  kRefused,     // not sent, see `reason`
  kSendFailed,  // accepted but could not be sent, see `reason`
  kReached,     // traces end in one of these five, or in kRefused or kSendFailed
  kGapLimit,
  kMaxTtl,
  kUnreachable,
  kLoop,
  kCount
};

// Why a task was refused or could not be sent. Words in results and metrics.
enum class Reason : std::uint8_t {
  kNone,
  kDenied,          // destination on the deny list
  kBogon,           // destination private, reserved, multicast or not an address of the Internet
  kNotEnrolled,     // source neither ours nor enrolled
  kSourceDenied,    // spoofed source on the deny list
  kSpoofedKind,     // only ping, rr and ts may be spoofed
  kDuplicateId,     // a task with this id is under way or was in this run
  kBadTask,         // out of range
  kNoRoute,         // not on a port's link and no gateway
  kNeighbour,       // the next hop does not answer ARP
  kTransmit,        // the port accepted no packet for too long
  kStopped,         // the vantage point was told to stop
  kNeighboursFull,  // of more hosts on the link than are asked for at once
  kLink,            // the port's link was gone, too long or while a reply was awaited
  kCount
};

// How well a reply is known to answer the probe (../docs/wire-identity.md has what each costs a
// forger).
enum class Proof : std::uint8_t {
  kWhole,   // by all that a packet of its kind can prove: the tag, or a short quote that fits
  kHandle,  // by its 32-bit handle, sender and addresses; the rest is missing or not as sent
  kHalf,    // of UDP: by half of the handle, and its flow, which one probe at a time has
  kCount
};

[[nodiscard]] std::string_view name(Proof proof) noexcept;
[[nodiscard]] std::string_view name(Outcome outcome) noexcept;
[[nodiscard]] std::string_view name(Reason reason) noexcept;

// The packet that answered.
struct ReplySummary {
  probes::Ipv4Addr from;
  probes::ReplyType type = probes::ReplyType::kEchoReply;
  std::uint8_t ttl = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};

// The recording option that came back: in the reply, or in the quote of an error.
struct Recorded {
  enum class What : std::uint8_t { kNothing, kRoute, kTimestamps };
  What what = What::kNothing;
  std::uint8_t count = 0;
  std::uint8_t slots = 0;
  std::uint8_t overflow = 0;  // of timestamps
  bool from_quote = false;    // the quote of an error showed it, not the reply's header
  probes::TimestampType timestamp = probes::TimestampType::kOnly;
  // Slots from `count` on are zero: nothing of them is stored or shown.
  std::array<probes::Ipv4Addr, probes::kMaxRecordedHops> addresses{};  // of routes and timestamps
  std::array<std::uint32_t, probes::kMaxTimestamps> milliseconds{};    // of timestamps
};

// The end of a ping, rr or ts task, and the head of a trace's.
struct ProbeResult {
  std::uint64_t task = 0;
  std::uint64_t position = 0;    // QueuedTask::position
  std::uint64_t sent_at_ns = 0;  // Unix time; 0: never sent
  std::uint64_t rtt_ns = 0;      // with a reply
  probes::Ipv4Addr src;
  probes::Ipv4Addr dst;
  probes::Kind kind = probes::Kind::kPing;
  Outcome outcome = Outcome::kTimedOut;
  Reason reason = Reason::kNone;
  probes::TraceMethod method = probes::TraceMethod::kIcmp;  // of a trace
  bool has_reply = false;
  Proof proof = Proof::kWhole;
  ReplySummary reply;
  Recorded recorded;
};
static_assert(std::is_trivially_copyable_v<ProbeResult>);

inline constexpr std::size_t kMaxHopLabels = 4;

// One attempt of a trace, in order of sending.
struct Hop {
  std::uint64_t sent_at_ns = 0;
  std::uint64_t rtt_ns = 0;
  ReplySummary reply;
  std::uint8_t ttl = 0;
  std::uint8_t attempt = 0;  // 1..
  bool has_reply = false;
  Proof proof = Proof::kWhole;
  std::uint8_t quoted_ttl = 0;
  std::uint8_t label_count = 0;  // MPLS labels kept, 0..kMaxHopLabels
  std::array<probes::MplsLabel, kMaxHopLabels> labels{};
};
static_assert(std::is_trivially_copyable_v<Hop>);

struct TraceResult {
  ProbeResult head;
  std::vector<Hop> hops;
};

// A spoofed probe's reply, where it arrived: proven by its tag, no state needed.
struct Observation {
  std::uint64_t task = 0;  // of the vantage point that sent the probe
  std::uint64_t received_at_ns = 0;
  probes::Ipv4Addr src;  // the probe's spoofed source: an address of ours
  probes::Ipv4Addr dst;
  std::uint16_t probe_vp = 0;
  probes::Kind kind = probes::Kind::kPing;
  ReplySummary reply;
  Recorded recorded;
};
static_assert(std::is_trivially_copyable_v<Observation>);

// What a vantage point hands over at once: durable together or not at all.
struct ResultBatch {
  std::vector<ProbeResult> probes;
  std::vector<TraceResult> traces;
  std::vector<Observation> observations;

  [[nodiscard]] std::size_t size() const noexcept {
    return probes.size() + traces.size() + observations.size();
  }
  void clear() noexcept {
    probes.clear();
    traces.clear();
    observations.clear();
  }
};

}  // namespace backsight::tasks
