#include "queue/file/vp_claim.h"

#include <fmt/format.h>

namespace backsight::queue {

Expected<VpClaim> claim_vp(storage::FileSystem& files, const VpLayout& layout,
                           const std::string& vp, unsigned id) {
  if (auto made = files.make_directories(layout.home); !made) return tl::unexpected(made.error());
  auto name = files.lock(layout.home + "/vantage-point");
  if (!name) return tl::unexpected(name.error());
  if (name->lock == nullptr) {
    return run_failed(fmt::format("{}: process {} is vantage point {}; there can be one of a name",
                                  layout.home, name->holder_pid, vp));
  }
  if (id == 0) return VpClaim{std::move(name->lock), nullptr};
  auto number = files.lock(fmt::format("{}/.id-{}", layout.root, id));
  if (!number) return tl::unexpected(number.error());
  if (number->lock == nullptr) {
    return run_failed(
        fmt::format("{}: process {} has the id {}, which {} wants too; give each vantage point an "
                    "id of its own (\"id\" in its config)",
                    layout.root, number->holder_pid, id, vp));
  }
  return VpClaim{std::move(name->lock), std::move(number->lock)};
}

}  // namespace backsight::queue
