#include "engine/control/admission.h"

#include <algorithm>
#include <utility>

namespace backsight::engine {

using tasks::Reason;

namespace {

bool has_in_prefix(const config::PortConfig& port, probes::Ipv4Addr destination) noexcept {
  return port.prefix_length < 32 && port.link().contains(destination);
}

bool leads_to(const config::PortConfig& port, probes::Ipv4Addr destination) noexcept {
  return port.gateway || port.gateway_mac || (port.on_link && has_in_prefix(port, destination));
}

}  // namespace

Admission::Admission(const config::VpConfig& config, config::PrefixSet deny,
                     config::Enrolment enrolment)
    : ports_(config.ports),
      bogons_(config.allow_bogons, config.addresses()),
      policy_(std::make_shared<SendPolicy>(1U, bogons_, std::move(deny), std::move(enrolment))) {}

void Admission::replace(config::PrefixSet deny, config::Enrolment enrolment) {
  policy_ = std::make_shared<SendPolicy>(policy_->number() + 1, bogons_, std::move(deny),
                                         std::move(enrolment));
}

void Admission::renew() {
  policy_ = std::make_shared<SendPolicy>(policy_->renumbered(policy_->number() + 1));
}

const config::PortConfig* Admission::port_with(probes::Ipv4Addr address) const noexcept {
  const auto found = std::ranges::find(ports_, address, &config::PortConfig::address);
  return found == ports_.end() ? nullptr : &*found;
}

// The port in whose prefix the destination is, else the first with a gateway.
const config::PortConfig* Admission::port_towards(probes::Ipv4Addr destination) const noexcept {
  for (const config::PortConfig& port : ports_) {
    if (has_in_prefix(port, destination) && leads_to(port, destination)) return &port;
  }
  for (const config::PortConfig& port : ports_) {
    if (leads_to(port, destination)) return &port;
  }
  return nullptr;
}

tl::expected<Assignment, Reason> Admission::admit(const tasks::QueuedTask& queued,
                                                  std::int64_t now) const {
  const tasks::Task& task = queued.task;
  const bool has_source = !task.src.is_unspecified();
  const config::PortConfig* port = has_source ? port_with(task.src) : nullptr;
  const bool is_spoofed = has_source && port == nullptr;
  if (const Reason reason = policy_->refusal(task, is_spoofed, now); reason != Reason::kNone) {
    return tl::unexpected(reason);
  }
  if (port != nullptr && !leads_to(*port, task.dst)) return tl::unexpected(Reason::kNoRoute);
  if (port == nullptr) port = port_towards(task.dst);
  if (port == nullptr || port_with(task.dst) != nullptr) return tl::unexpected(Reason::kNoRoute);
  Assignment assignment{.queued = queued, .policy = policy_->number(), .is_spoofed = is_spoofed};
  assignment.port = static_cast<std::uint8_t>(port - ports_.data());
  if (!is_spoofed) assignment.queued.task.src = port->address;
  return assignment;
}

}  // namespace backsight::engine
