// The queues of the vantage points: a link each, what keeps it from working, and how far its
// results may be committed. Thread: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/controller/controller_config.h"
#include "config/lists/deny_list.h"
#include "controller/probing/prober.h"
#include "controller/service/inbox.h"
#include "controller/service/vp_link.h"
#include "controller/vantage/vp_index.h"

namespace backsight::controller {

// Of the queue that the config names.
[[nodiscard]] OpenQueue queue_opener(const config::ControllerConfig& config);

class Fleet {
 public:
  // Results go into `inbox`, which outlives this.
  Fleet(OpenQueue open, Inbox& inbox) : open_(std::move(open)), inbox_(inbox) {}

  // Why a queue does not work that was never seen to.
  static constexpr const char* kOpening = "its queue is being opened";

  // Opens the queue of a vantage point. False: it was before.
  bool connect(const std::string& name, VpIndex vp);
  // Lets go of all queues; returns within a second or so.
  void disconnect() { links_.clear(); }

  // REQUIRES: they are connected.
  void send(const std::vector<Prober::Outgoing>& tasks);
  // What waits to be sent, and leads to one of these or is in its name, is not sent any more.
  void deny(const config::PrefixSet& denied);

  // One message of results of this vantage point was taken in.
  VpIndex count_results(const std::string& name);
  // What came of all results that were taken in is among the archive's records up to `last`, and
  // those up to `durable` are on the disk: results are committed all of whose records are.
  void commit(std::uint64_t last, std::uint64_t durable);
  // Results wait that may be taken only once those that were are committed.
  [[nodiscard]] bool is_behind() const;

  struct Change {
    VpIndex vp = kNoVp;
    std::string why_not;  // its queue does not work now, a clause; empty: it does
  };
  // Looks how the queues are. Returns what is other than before.
  [[nodiscard]] std::vector<Change> check();
  // What keeps queues from working, as of the last check(), each once.
  [[nodiscard]] const std::set<std::string>& troubles() const noexcept { return troubles_; }
  [[nodiscard]] std::uint64_t tasks_dropped() const noexcept { return tasks_dropped_; }

 private:
  struct Link {
    std::unique_ptr<VpLink> link;
    VpIndex vp = kNoVp;
    std::string why_not = kOpening;
    std::uint64_t taken = 0;      // messages of results
    std::uint64_t committed = 0;  // of these
    // Messages up to this one may be committed once this record is durable.
    struct Mark {
      std::uint64_t record = 0;
      std::uint64_t messages = 0;
    };
    std::deque<Mark> marks;
  };

  const OpenQueue open_;
  Inbox& inbox_;
  std::unordered_map<std::string, Link> links_;
  std::vector<VpLink*> by_vp_;
  config::PrefixSet denied_;
  std::set<std::string> troubles_;
  std::uint64_t tasks_dropped_ = 0;
};

}  // namespace backsight::controller
