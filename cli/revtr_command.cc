#include "cli/revtr_command.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/host_names.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "cli/revtr_report.h"
#include "cli/stop.h"

namespace backsight::cli {

namespace {

using Json = nlohmann::json;

Expected<std::string> body_of(const RevtrOptions& options) {
  Json list = Json::array();
  for (const std::string& destination : options.destinations) {
    const auto address = resolve(destination);
    if (!address) return tl::unexpected(address.error());
    Json one = {{"src", options.source}, {"dst", probes::to_string(*address)}};
    one["staleness"] = options.max_age_minutes;
    one["use_cache"] = options.uses_cache;
    one["is_run_rtt_pings"] = options.pings_hops;
    one["find_branches"] = options.finds_branches;
    if (!options.label.empty()) one["label"] = options.label;
    list.push_back(std::move(one));
  }
  return Json{{"revtrs", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Expected<int> reverse_traceroute(const RevtrOptions& options) {
  const auto body = body_of(options);
  if (!body) return tl::unexpected(body.error());
  watch_signals();
  const auto batch = submit(options.controller, *body);
  if (!batch) return tl::unexpected(batch.error());
  HostNames names;
  bool all_reach = true;
  bool is_first = true;
  Expected<Written> written = Written::kAll;
  const auto show = [&](const std::string& text) {
    const Json path = Json::parse(text, nullptr, false);
    if (!path.is_object()) return;
    all_reach &= path.value("stop_reason", "") == "REACHES" ||
                 path.value("is_try_from_destination_AS", false);
    if (options.json) {
      written = write_out(path.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
      return;
    }
    std::map<std::string, std::string> known;
    if (options.shows_names) known = names.of(addresses_of(path));
    written = write_out((is_first ? "" : "\n") + report_path(path, known));
    is_first = false;
  };
  const auto followed = follow(options.controller, *batch, show, [&] {
    return !is_stopped() && written && *written == Written::kAll;
  });
  if (is_stopped()) {
    cancel(options.controller, *batch);
    return run_failed("interrupted; what had not ended was taken back");
  }
  if (!written) return tl::unexpected(written.error());
  if (*written == Written::kClosed) return 0;
  if (!followed) return tl::unexpected(followed.error());
  return all_reach ? 0 : 1;
}

}  // namespace backsight::cli
