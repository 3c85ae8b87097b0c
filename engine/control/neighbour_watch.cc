#include "engine/control/neighbour_watch.h"

#include <spdlog/spdlog.h>

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;
using probes::to_string;

constexpr auto kReminder = 60s;
constexpr auto kPatience = 1s;  // from when it can be asked

}  // namespace

NeighbourWatch::NeighbourWatch(std::span<const std::unique_ptr<Port>> ports, Clock::time_point now)
    : ports_(ports), told_(ports.size()) {
  for (Told& told : told_) {
    told.silent_at = now - kReminder + kPatience;
    told.rival_at = now - kReminder;
  }
}

void NeighbourWatch::look(Clock::time_point now) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i]->config().gateway) look_at_gateway(*ports_[i], told_[i], now);
    look_at_claims(*ports_[i], told_[i], now);
  }
}

void NeighbourWatch::look_at_gateway(const Port& port, Told& told, Clock::time_point now) {
  const std::string& device = port.config().device;
  const std::string gateway = to_string(*port.config().gateway);
  if (port.is_held()) {
    // That is told by who watches the port. Once it goes on, the gateway has its time to answer.
    told.silent_at = now - kReminder + kPatience;
    return;
  }
  const auto mac = port.neighbours().gateway_mac();
  if (mac) {
    if (told.gateway && told.gateway != mac) {
      spdlog::warn("port {}: gateway {} moved from {} to {}", device, gateway,
                   to_string(*told.gateway), to_string(*mac));
    } else if (!told.is_known) {
      spdlog::debug("port {}: gateway {} is at {}", device, gateway, to_string(*mac));
    }
    told.gateway = mac;
  } else if (now - told.silent_at >= kReminder) {
    spdlog::warn(
        "port {}: gateway {} does not answer ARP; nothing beyond the link is probed until it does "
        "(asking every second)",
        device, gateway);
    told.silent_at = now;
  }
  told.is_known = mac.has_value();
}

void NeighbourWatch::look_at_claims(const Port& port, Told& told, Clock::time_point now) {
  const std::string& device = port.config().device;
  const Neighbours& neighbours = port.neighbours();
  if (const auto rival = neighbours.rival();
      rival && rival != told.rival && now - told.rival_at >= kReminder) {
    spdlog::warn(
        "port {}: {} claims our address {} too, and may get the replies to our probes; give one "
        "of the two another address",
        device, to_string(*rival), to_string(port.config().address));
    told.rival = rival;
    told.rival_at = now;
  }
  if (const auto claim = neighbours.impossible(); claim && !told.impossible) {
    spdlog::warn("port {}: ARP says that {} is at {}, which cannot be; it is not believed", device,
                 to_string(claim->address), to_string(claim->mac));
    told.impossible = true;
  }
}

}  // namespace backsight::engine
