#include "queue/file/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/vp_name.h"

namespace backsight::queue {

namespace {

constexpr std::string_view kScheme = "file://";
constexpr std::uint64_t kMostStatusBytes = std::uint64_t{1} << 20;

}  // namespace

Expected<std::string> queue_root(std::string_view url) {
  if (!url.starts_with(kScheme) || url.size() <= kScheme.size() || url[kScheme.size()] != '/') {
    return bad_usage(fmt::format(
        "queue \"{}\" must be file:///DIRECTORY, such as file:///var/lib/backsight", url));
  }
  std::string root(url.substr(kScheme.size()));
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  return root;
}

Expected<void> check_vp_name(std::string_view vp) {
  if (config::is_vp_name(vp)) return {};
  return bad_usage(
      fmt::format("vantage point \"{}\" must be 1 to {} of a-z, 0-9 and \"-\", such as ams01", vp,
                  config::kMaxVpNameCharacters));
}

Expected<VpLayout> vp_layout(std::string_view url, std::string_view vp) {
  const auto root = queue_root(url);
  if (!root) return tl::unexpected(root.error());
  if (auto checked = check_vp_name(vp); !checked) return tl::unexpected(checked.error());
  const std::string home = fmt::format("{}/{}", *root == "/" ? "" : *root, vp);
  return VpLayout{*root, home, home + "/tasks", home + "/results", home + "/status.json"};
}

Expected<std::vector<std::string>> list_vps(storage::FileSystem& files, std::string_view url) {
  const auto root = queue_root(url);
  if (!root) return tl::unexpected(root.error());
  auto names = files.list(*root);
  if (!names) return names;
  std::vector<std::string> vps;
  for (std::string& name : *names) {
    if (!config::is_vp_name(name)) continue;
    const auto inside = files.list(*root + "/" + name);
    const bool is_vp = inside && std::any_of(inside->begin(), inside->end(), [](const auto& entry) {
                         return entry == "tasks" || entry == "results" || entry == "status.json";
                       });
    if (is_vp) vps.push_back(std::move(name));
  }
  std::sort(vps.begin(), vps.end());
  return vps;
}

Expected<std::string> read_status(storage::FileSystem& files, std::string_view url,
                                  std::string_view vp) {
  const auto layout = vp_layout(url, vp);
  if (!layout) return tl::unexpected(layout.error());
  auto file = files.open_to_read(layout->status);
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return std::string();
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > kMostStatusBytes) {
    return run_failed(fmt::format("{}: {} bytes are no status", layout->status, *size));
  }
  auto content = storage::read_file(files, layout->status);
  if (!content) return tl::unexpected(content.error());
  return *content == nullptr ? std::string() : std::move(**content);
}

}  // namespace backsight::queue
