#include "probes/reading/flaw.h"

#include <array>
#include <utility>

#include "probes/assert.h"

namespace backsight::probes {

std::string_view name(Flaw flaw) noexcept {
  switch (flaw) {
    case Flaw::kIpTotalLength:
      return "ip_total_length";
    case Flaw::kIpChecksum:
      return "ip_checksum";
    case Flaw::kIpFragment:
      return "ip_fragment";
    case Flaw::kIcmpChecksum:
      return "icmp_checksum";
    case Flaw::kIpOptions:
      return "ip_options";
    case Flaw::kIcmpExtension:
      return "icmp_extension";
    case Flaw::kPayload:
      return "payload";
    case Flaw::kQuote:
      return "quote";
    case Flaw::kCount:
      break;
  }
  BACKSIGHT_ASSERT(false);
  return "";
}

Reject Flaws::reject() const noexcept {
  // In the order in which a reader of the packet meets them.
  constexpr std::array<std::pair<Flaw, Reject>, 6> kReasons = {{
      {Flaw::kIpTotalLength, Reject::kIpTotalLength},
      {Flaw::kIpChecksum, Reject::kIpChecksum},
      {Flaw::kIpFragment, Reject::kIpFragment},
      {Flaw::kIcmpChecksum, Reject::kIcmpChecksum},
      {Flaw::kPayload, Reject::kNoIdentity},
      {Flaw::kIpOptions, Reject::kIpOptions},
  }};
  for (const auto& [flaw, reject] : kReasons) {
    if (has(flaw)) return reject;
  }
  return Reject::kCount;
}

}  // namespace backsight::probes
