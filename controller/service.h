// Reverse traceroutes as a service: what the API and the page need of the controller, and nothing
// of how it does it. Thread: any; calls are short, except submit(), which waits for the disk, and
// wait_for_more().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "controller/request.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

// Why nothing is measured for a request, or none is accepted. HTTP's status is the API's business.
struct RequestFault {
  enum class Why : std::uint8_t {
    kForm,  // not what the API describes
    kUnknownSource,
    kBadDestination,  // private, reserved, on the deny list, IPv6
    kNotReady,        // no vantage point can measure for this source now
    kBusy,            // more under way than the controller holds
    kStorage,         // the journal or the archive cannot be written
  };
  std::size_t item = 0;  // of the submission, from 0
  Why why = Why::kUnknownSource;
  std::string sentence;  // what is wrong and what would be right
};
using RequestFaults = std::vector<RequestFault>;

// A batch. What is at fault in it ends at once, failed, and the others are measured.
struct Accepted {
  std::uint64_t batch = 0;
  RequestFaults refused;  // found by the service
};

// A source, that is a vantage point that receives.
struct SourceInfo {
  std::string name;
  Ipv4Addr address;
  bool is_ready = false;  // can be a source now
  std::string why_not;    // one clause; empty when ready
  std::size_t atlas_traceroutes = 0;
  std::size_t atlas_imported = 0;  // traceroutes taken from files
  std::size_t atlas_hops = 0;
  std::uint64_t atlas_oldest_unix_us = 0;  // 0: none
};

struct VantagePointInfo {
  std::string name;
  Ipv4Addr address;
  std::uint32_t asn = 0;  // 0: not known
  std::string state;      // "ready", "quarantined", "silent", "testing"
  std::string why;        // of the state, one clause; may be empty
  bool can_ping = false;
  bool can_record_route = false;
  bool can_timestamp = false;
  bool can_trace = false;
  bool can_spoof = false;
  bool receives_spoofed = false;
  std::uint64_t last_heard_unix_us = 0;
  std::uint64_t probes_under_way = 0;
};

// A reverse traceroute that ended, as it is shown: written once, when it ended.
struct EndedPath {
  std::uint64_t id = 0;
  std::string json;  // of to_listed_json() (controller/json/path_json.h)
};

// How far a batch is. Paths come in the order in which they ended.
struct BatchProgress {
  std::uint64_t batch = 0;
  std::string user;
  std::size_t total = 0;
  std::vector<EndedPath> ended;        // from the wanted one on
  std::vector<std::uint64_t> open;     // numbers of those that have not ended
  std::vector<std::uint64_t> waiting;  // of these, those that have not begun; in the same order
  // Of these, by number: what they wait for, one clause.
  std::unordered_map<std::uint64_t, std::string> waiting_for;
  bool is_complete = false;
  bool is_stopping = false;  // the service ends: what is open is measured after its next start
};

class Service {
 public:
  virtual ~Service() = default;

  // Accepts them all, those that were refused before (Request::refused) included, if any of them
  // can be measured; else none. On return the requests survive the death of this process.
  [[nodiscard]] virtual tl::expected<Accepted, RequestFaults> submit(
      std::vector<Request> requests) = 0;

  // What ended from the `first`-th on (from 0). Nothing: no such batch.
  [[nodiscard]] virtual std::optional<BatchProgress> progress(std::uint64_t batch,
                                                              std::size_t first) const = 0;
  // The same, once there is more than `first` or the batch is complete; after `patience` as it is.
  [[nodiscard]] virtual std::optional<BatchProgress> wait_for_more(
      std::uint64_t batch, std::size_t first, std::chrono::milliseconds patience) const = 0;
  // Stops what has not ended yet; it ends as cancelled. An error, one sentence: it does, but a
  // service that dies now measures it again.
  virtual tl::expected<void, std::string> cancel(std::uint64_t batch) = 0;

  // By label, newest first, `most` at the most; of that user alone.
  [[nodiscard]] virtual std::vector<EndedPath> with_label(const std::string& user,
                                                          const std::string& label,
                                                          std::size_t most) const = 0;

  [[nodiscard]] virtual std::vector<SourceInfo> sources() const = 0;
  [[nodiscard]] virtual std::vector<VantagePointInfo> vantage_points() const = 0;
  // Measures the atlas of a source anew. False: no such source.
  virtual bool refresh_atlas(const std::string& source) = 0;
  // Forgets what is known of the ways to a source.
  virtual bool clear_atlas(const std::string& source) = 0;

  // Of this user: under way now, and accepted since midnight UTC, for the limits of the keys.
  struct Usage {
    std::uint64_t under_way = 0;
    std::uint64_t today = 0;
  };
  [[nodiscard]] virtual Usage usage(const std::string& user) const = 0;
};

}  // namespace backsight::controller
