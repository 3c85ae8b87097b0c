// A traceroute of RIPE Atlas: whatever is taken is a trace whose hops are in order.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/atlas_import/ripe_atlas.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight;
  const auto record = controller::parse_ripe_atlas({reinterpret_cast<const char*>(data), size});
  if (!record) {
    if (record.error().sentence.empty()) std::abort();
    return 0;
  }
  if (record->hops.empty() || record->started_unix_us == 0) std::abort();
  std::uint8_t ttl = 1;
  for (const tasks::Hop& hop : record->hops) {
    if (hop.ttl < ttl || hop.attempt == 0 || hop.label_count > hop.labels.size()) std::abort();
    if (hop.has_reply == hop.reply.from.is_unspecified()) std::abort();
    ttl = hop.ttl;
  }
  return 0;
}
