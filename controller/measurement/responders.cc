#include "controller/measurement/responders.h"

namespace backsight::controller {

std::vector<probes::Ipv4Addr> responders(std::span<const tasks::Hop> attempts) {
  std::vector<probes::Ipv4Addr> hops;
  for (const tasks::Hop& it : attempts) {
    if (it.ttl == 0) continue;
    if (hops.size() < it.ttl) hops.resize(it.ttl);
    probes::Ipv4Addr& at = hops[it.ttl - 1U];
    if (at.is_unspecified() && it.has_reply) at = it.reply.from;
  }
  return hops;
}

}  // namespace backsight::controller
