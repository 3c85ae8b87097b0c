// Who may be probed, and in whose name: deny list, special-purpose addresses, enrolment. Admission
// asks it of each task; a worker asks again of what it holds when another policy has come into
// force. Immutable: a reload makes another with the next number. Thread: any number of readers.
#pragma once

#include <cstdint>

#include "config/lists/deny_list.h"
#include "config/lists/enrolment.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

class SendPolicy {
 public:
  // `number` tells this policy from those before; 0 is nobody's.
  SendPolicy(std::uint32_t number, const config::BogonPolicy& bogons, config::PrefixSet deny,
             config::Enrolment enrolment);

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

  // What speaks against sending the task's probes at `now` (Unix time in seconds: consents run
  // out); kNone if nothing. `is_spoofed`: its source is no address of ours. No allocation.
  [[nodiscard]] tasks::Reason refusal(const tasks::Task& task, bool is_spoofed,
                                      std::int64_t now) const noexcept;

  // Whether nothing is sent there, whatever asks for it. No allocation.
  [[nodiscard]] bool denies(probes::Ipv4Addr destination) const noexcept {
    return deny_.contains(destination);
  }

  // The same lists as a policy of another number.
  [[nodiscard]] SendPolicy renumbered(std::uint32_t number) const;

 private:
  std::uint32_t number_;
  config::BogonPolicy bogons_;
  config::PrefixSet deny_;
  config::Enrolment enrolment_;
};

}  // namespace backsight::engine
