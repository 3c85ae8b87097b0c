#include "engine/control/admission.h"

#include <algorithm>
#include <utility>

#include "probes/identity.h"

namespace backsight::engine {

using queue::Reason;

namespace {

bool is_on_link(const config::PortConfig& port, probes::Ipv4Addr destination) noexcept {
  return port.prefix_length < 32 && port.link().contains(destination);
}

bool leads_to(const config::PortConfig& port, probes::Ipv4Addr destination) noexcept {
  return port.gateway || port.gateway_mac || is_on_link(port, destination);
}

}  // namespace

Admission::Admission(const config::VpConfig& config, config::PrefixSet deny,
                     config::Enrolment enrolment)
    : ports_(config.ports),
      bogons_(config),
      deny_(std::move(deny)),
      enrolment_(std::move(enrolment)) {}

void Admission::replace(config::PrefixSet deny, config::Enrolment enrolment) {
  deny_ = std::move(deny);
  enrolment_ = std::move(enrolment);
}

const config::PortConfig* Admission::port_with(probes::Ipv4Addr address) const noexcept {
  const auto found = std::ranges::find(ports_, address, &config::PortConfig::address);
  return found == ports_.end() ? nullptr : &*found;
}

// The port on whose link the destination is, else the first with a gateway.
const config::PortConfig* Admission::port_towards(probes::Ipv4Addr destination) const noexcept {
  for (const config::PortConfig& port : ports_) {
    if (is_on_link(port, destination)) return &port;
  }
  for (const config::PortConfig& port : ports_) {
    if (leads_to(port, destination)) return &port;
  }
  return nullptr;
}

Reason Admission::check_spoofing(const queue::Task& task, std::int64_t now) const {
  if (task.kind == probes::Kind::kTrace) return Reason::kSpoofedKind;
  if (!enrolment_.allows(task.src, now)) return Reason::kNotEnrolled;
  if (deny_.contains(task.src)) return Reason::kSourceDenied;
  // Where the reply arrives, the packet alone tells the task.
  if (task.id > probes::kMaxProbeNumber) return Reason::kBadTask;
  return Reason::kNone;
}

tl::expected<Assignment, Reason> Admission::admit(const queue::QueuedTask& queued,
                                                  std::int64_t now) const {
  const queue::Task& task = queued.task;
  if (deny_.contains(task.dst)) return tl::unexpected(Reason::kDenied);
  if (bogons_.refuses(task.dst)) return tl::unexpected(Reason::kBogon);
  const config::PortConfig* port = nullptr;
  const bool has_source = !task.src.is_unspecified();
  if (has_source) port = port_with(task.src);
  const bool is_spoofed = has_source && port == nullptr;
  if (is_spoofed) {
    if (const Reason reason = check_spoofing(task, now); reason != Reason::kNone) {
      return tl::unexpected(reason);
    }
  }
  if (port != nullptr && !leads_to(*port, task.dst)) return tl::unexpected(Reason::kNoRoute);
  if (port == nullptr) port = port_towards(task.dst);
  if (port == nullptr || port_with(task.dst) != nullptr) return tl::unexpected(Reason::kNoRoute);
  Assignment assignment{.queued = queued, .is_spoofed = is_spoofed};
  assignment.port = static_cast<std::uint8_t>(port - ports_.data());
  if (!is_spoofed) assignment.queued.task.src = port->address;
  return assignment;
}

}  // namespace backsight::engine
