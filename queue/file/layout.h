// Where the file queue keeps what (../docs/queue.md):
//
//   ROOT/VP/tasks/        log of tasks; "mark": done up to here
//   ROOT/VP/results/      log of results; "mark": committed up to here; "epoch": starts so far
//   ROOT/VP/vantage-point, ROOT/.id-N   held by the one process (vp_claim.h)
//   ROOT/VP/status.json   what the vantage point last said of itself
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "storage/file_system.h"

namespace backsight::queue {

struct VpLayout {
  std::string root;
  std::string home;  // of this vantage point
  std::string tasks;
  std::string results;
  std::string status;
};

// "file:///dir" is "/dir".
[[nodiscard]] Expected<std::string> queue_root(std::string_view url);

// config/vp_name.h says what is one.
[[nodiscard]] Expected<void> check_vp_name(std::string_view vp);

[[nodiscard]] Expected<VpLayout> vp_layout(std::string_view url, std::string_view vp);

// Returns the names of the vantage points that the queue knows, in order.
[[nodiscard]] Expected<std::vector<std::string>> list_vps(storage::FileSystem& files,
                                                          std::string_view url);

// Returns what the vantage point last announced; empty when it has not yet.
[[nodiscard]] Expected<std::string> read_status(storage::FileSystem& files, std::string_view url,
                                                std::string_view vp);

}  // namespace backsight::queue
