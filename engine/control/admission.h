// May this task be probed? The gate that no task goes round: our addresses, enrolment, deny list,
// bogons, and what the engine can do. What passes has its source and its port.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <tl/expected.hpp>

#include "config/lists/deny_list.h"
#include "config/lists/enrolment.h"
#include "config/vp/vp_config.h"
#include "engine/worker/messages.h"
#include "engine/worker/send_policy.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

class Admission {
 public:
  Admission(const config::VpConfig& config, config::PrefixSet deny, config::Enrolment enrolment);

  // `now` is Unix time in seconds: consents run out.
  [[nodiscard]] tl::expected<Assignment, tasks::Reason> admit(const tasks::QueuedTask& queued,
                                                              std::int64_t now) const;

  // From here on these lists hold, as a policy with the next number.
  void replace(config::PrefixSet deny, config::Enrolment enrolment);
  // The lists that hold, as a policy with the next number: what was admitted is looked at anew.
  void renew();
  // What holds now. Workers are told of it by who calls the above.
  [[nodiscard]] const std::shared_ptr<const SendPolicy>& policy() const noexcept { return policy_; }

 private:
  [[nodiscard]] const config::PortConfig* port_with(probes::Ipv4Addr address) const noexcept;
  [[nodiscard]] const config::PortConfig* port_towards(probes::Ipv4Addr destination) const noexcept;

  std::vector<config::PortConfig> ports_;
  config::BogonPolicy bogons_;
  std::shared_ptr<const SendPolicy> policy_;
};

}  // namespace backsight::engine
