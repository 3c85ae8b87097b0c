// One process for each vantage point of a queue's folder, and for each id: held as long as it
// lives. The kernel lets go when it dies.
//
//   ROOT/VP/vantage-point   held by it; holds its pid
//   ROOT/.id-N              the same, of probe id N
#pragma once

#include <memory>
#include <string>

#include "config/error.h"
#include "queue/file/layout.h"
#include "storage/file_system.h"

namespace backsight::queue {

struct VpClaim {
  std::unique_ptr<storage::Lock> name;
  std::unique_ptr<storage::Lock> id;
};

// Fails, and says who, if another process is this vantage point or has its id (0: none).
[[nodiscard]] Expected<VpClaim> claim_vp(storage::FileSystem& files, const VpLayout& layout,
                                         const std::string& vp, unsigned id);

}  // namespace backsight::queue
