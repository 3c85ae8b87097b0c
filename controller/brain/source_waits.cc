#include "controller/brain/source_waits.h"

#include <algorithm>
#include <utility>

#include "probes/assert.h"

namespace backsight::controller {

void SourceWaits::add(const Request& request, const Now& now) {
  BACKSIGHT_ASSERT(!source_of_.contains(request.id));
  const SteadyNs since = first_waited_.try_emplace(request.id, now.steady).first->second;
  Source& source = sources_[request.src];
  source.waiting.emplace(request.id, Waiting{request, since + patience_});
  source.until = std::min(source.until, since + patience_);
  source_of_.emplace(request.id, request.src);
  ++version_;
}

std::optional<Request> SourceWaits::take(std::uint64_t id) {
  const auto of = source_of_.find(id);
  if (of == source_of_.end()) return std::nullopt;
  const auto source = sources_.find(of->second);
  auto node = source->second.waiting.extract(id);
  if (source->second.waiting.empty()) sources_.erase(source);
  source_of_.erase(of);
  ++version_;
  return std::move(node.mapped().request);
}

std::vector<Request> SourceWaits::take_all_of(probes::Ipv4Addr address) {
  std::vector<Request> taken;
  const auto source = sources_.extract(address);
  if (source.empty()) return taken;
  for (auto& [id, it] : source.mapped().waiting) {
    source_of_.erase(id);
    taken.push_back(std::move(it.request));
  }
  ++version_;
  return taken;
}

std::vector<Request> SourceWaits::take_overdue(const Now& now) {
  std::vector<std::uint64_t> overdue;
  for (auto& [address, source] : sources_) {
    if (now.steady < source.until) continue;
    source.until = ~SteadyNs{0};
    for (const auto& [id, it] : source.waiting) {
      if (it.until <= now.steady) {
        overdue.push_back(id);
      } else {
        source.until = std::min(source.until, it.until);
      }
    }
  }
  std::vector<Request> taken;
  for (const std::uint64_t id : overdue) taken.push_back(*take(id));
  return taken;
}

std::vector<SourceWaits::Line> SourceWaits::lines() const {
  std::vector<Line> lines;
  for (const auto& [address, source] : sources_) {
    lines.push_back({address, source.waiting.size(), source.until});
  }
  return lines;
}

}  // namespace backsight::controller
