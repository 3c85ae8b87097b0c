// What a worker tells control, and the ring it travels in: a cache line for each end of a task,
// each observation and each attempt of a trace, and more cells behind it where a route or
// timestamps were recorded. Times are ticks: who reads them has the leisure to convert.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "engine/device/prefetch.h"
#include "engine/device/stream.h"
#include "engine/device/tsc.h"
#include "engine/worker/flight_slot.h"
#include "engine/worker/spsc_ring.h"
#include "probes/reading/ip_options.h"
#include "tasks/result.h"

namespace backsight::engine {

enum class ReportKind : std::uint8_t {
  kProbe,        // the end of a ping, rr or ts
  kHop,          // an attempt of a trace ended: a HopReport
  kTrace,        // the end of a trace, behind its attempts
  kObservation,  // a spoofed probe's reply
};

// Of every kind but kHop. Begins as every report does: with its kind and its cells.
struct alignas(64) ReportHead {
  ReportKind what = ReportKind::kProbe;
  std::uint8_t cells = 1;  // of the report, this one included
  probes::Kind kind = probes::Kind::kPing;
  tasks::Outcome outcome = tasks::Outcome::kTimedOut;
  tasks::Reason reason = tasks::Reason::kNone;
  probes::TraceMethod method = probes::TraceMethod::kIcmp;
  bool has_reply = false;
  tasks::Proof proof = tasks::Proof::kWhole;
  std::uint64_t task = 0;
  std::uint64_t position = 0;  // its low kPositionBits count
  Tsc at{};                    // sent; of an observation: received. 0: never sent
  TscSpan rtt{};               // with a reply
  probes::Ipv4Addr src{};
  probes::Ipv4Addr dst{};
  std::uint32_t trace = kNoTrace;  // kTrace: its number, as its hops name it; none: it never began
  tasks::ReplySummary reply{};
  std::uint16_t probe_vp = 0;  // kObservation
};
static_assert(sizeof(ReportHead) == 64 && std::is_trivially_copyable_v<ReportHead>);

// An attempt of a trace, which was answered or not. Its trace's end follows, in the same ring;
// until then no other trace has the number.
struct alignas(64) HopReport {
  ReportKind what = ReportKind::kHop;
  std::uint8_t cells = 1;
  std::uint8_t ttl = 0;
  std::uint8_t attempt = 0;
  bool has_reply = false;
  tasks::Proof proof = tasks::Proof::kWhole;
  std::uint8_t quoted_ttl = 0;
  std::uint8_t label_count = 0;
  Tsc sent{};
  TscSpan rtt{};
  tasks::ReplySummary reply{};
  std::uint32_t trace = kNoTrace;
  std::array<std::uint32_t, tasks::kMaxHopLabels> labels{};  // MplsLabel::entry()
};
static_assert(sizeof(HopReport) == 64 && std::is_trivially_copyable_v<HopReport>);
static_assert(offsetof(ReportHead, what) == 0 && offsetof(HopReport, what) == 0);
static_assert(offsetof(ReportHead, cells) == 1 && offsetof(HopReport, cells) == 1);

// A piece of the ring.
struct alignas(64) ReportCell {
  std::array<std::byte, sizeof(ReportHead)> bytes;
};

// A report in the ring, where it stands. Valid until it is released.
class Report {
 public:
  // The one that begins `at` cells behind the first.
  Report(const SpscRing<ReportCell>& cells, std::size_t at) noexcept : cells_(cells), at_(at) {}
  [[nodiscard]] ReportKind what() const noexcept {
    return static_cast<ReportKind>(cells_.front(at_).bytes[offsetof(ReportHead, what)]);
  }
  [[nodiscard]] std::size_t cells() const noexcept {
    return static_cast<std::size_t>(cells_.front(at_).bytes[offsetof(ReportHead, cells)]);
  }
  // REQUIRES: it is no hop's.
  [[nodiscard]] const ReportHead& head() const noexcept { return as<ReportHead>(); }
  // REQUIRES: it is a hop's.
  [[nodiscard]] const HopReport& hop() const noexcept { return as<HopReport>(); }
  // REQUIRES: it is no hop's.
  [[nodiscard]] tasks::Recorded recorded() const noexcept;

 private:
  template <typename T>
  [[nodiscard]] const T& as() const noexcept {
    return *std::launder(reinterpret_cast<const T*>(cells_.front(at_).bytes.data()));
  }

  const SpscRing<ReportCell>& cells_;
  const std::size_t at_;
};

// As users of results know it. `near` is a position near to the task's.
[[nodiscard]] tasks::ProbeResult probe_result_of(const Report& report, const TscClock& clock,
                                                 std::uint64_t near) noexcept;
[[nodiscard]] tasks::Observation observation_of(const Report& report,
                                                const TscClock& clock) noexcept;
[[nodiscard]] tasks::Hop hop_of(const HopReport& report, const TscClock& clock) noexcept;

class ReportRing {
 public:
  static constexpr std::size_t kMaxCells = 3;  // of one report
  static constexpr std::size_t kReadAhead = 24;

  // REQUIRES: cells is a power of two.
  explicit ReportRing(std::size_t cells) : cells_(cells) {}

  // Thread: the worker, from here on.
  // True if there is room for `reports` of any size beyond those added. A hop and its trace's end
  // together are no more than one.
  [[nodiscard]] bool has_room(std::size_t reports) noexcept {
    const std::size_t needed = streamed_ + staged_ + reports * kMaxCells;
    return cells_.free_slots() >= needed || cells_.refreshed_free_slots() >= needed;
  }
  // REQUIRES: has_room() said so. Control sees it after publish().
  void add(const ReportHead& head) noexcept { new (stage()) ReportHead(head); }
  void add(const HopReport& hop) noexcept { new (stage()) HopReport(hop); }
  // With what an option recorded: the reply's own, or that of the quote in an error.
  void add(ReportHead head, const probes::IpOptions& options, bool from_quote) noexcept {
    const bool has_recorded = options.has_record_route || options.has_timestamps;
    if (has_recorded) head.cells = options.has_record_route ? 2 : 3;
    add(head);
    if (has_recorded) add_recorded(options, from_quote);
  }
  // At the end of a round: shows control what was added.
  void publish() noexcept {
    if (streamed_ + staged_ == 0) return;
    stream();
    finish_streams();
    cells_.publish(streamed_);
    streamed_ = 0;
  }

  // Calls `on_report(const Report&)` for at most `max` reports. Returns how many there were.
  // Thread: control.
  template <typename OnReport>
  std::size_t read(std::size_t max, OnReport&& on_report) {
    std::size_t count = 0;
    std::size_t at = 0;  // cells that were read
    // A report is published whole.
    for (; count < max && cells_.available(at + 1) > at; ++count) {
      // They come from memory, one line after another.
      for (std::size_t i = 0; i < 2; ++i) prefetch_to_read(&cells_.front(at + kReadAhead + i));
      const Report report(cells_, at);
      on_report(report);
      at += report.cells();
    }
    // Together: a worker that waits for room looks at this all the time.
    if (at != 0) cells_.release(at);
    return count;
  }

 private:
  static constexpr std::size_t kStaged = 16;

  // A cell to be written.
  [[nodiscard]] std::byte* stage() noexcept {
    if (staged_ == kStaged) stream();
    return stage_[staged_++].bytes.data();
  }
  void stream() noexcept {
    for (std::size_t i = 0; i < staged_; ++i) stream_line(&cells_.next(streamed_++), stage_[i]);
    staged_ = 0;
  }
  void add_recorded(const probes::IpOptions& options, bool from_quote) noexcept;

  SpscRing<ReportCell> cells_;
  // What is written field by field and read by whole words at once waits until the fields have
  // reached the cache: that has happened when a line stood here for a while.
  std::array<ReportCell, kStaged> stage_;
  std::size_t staged_ = 0;
  std::size_t streamed_ = 0;  // and not published
};

}  // namespace backsight::engine
