// The values of vp.yaml that need more than a number or a word: each is checked and put in its
// place, or refused with a clause. Nothing is set by a text that is refused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reading/key.h"
#include "config/vp_config.h"

namespace backsight::config {

inline constexpr unsigned kMaxCores = 1024;  // no build of DPDK has a larger RTE_MAX_LCORE

using Clause = std::optional<std::string>;  // why a text is refused; nothing: it is not

[[nodiscard]] Clause set_name(VpConfig& config, std::string_view text);
[[nodiscard]] Clause set_id(VpConfig& config, std::string_view text);
[[nodiscard]] Clause set_inflight(VpConfig& config, std::string_view text);
[[nodiscard]] Clause set_metrics_listen(VpConfig& config, std::string_view text);
[[nodiscard]] std::string metrics_listen_text(const VpConfig& config);
[[nodiscard]] Refusals set_workers(VpConfig& config, std::span<const std::string> texts);
[[nodiscard]] std::vector<std::string> workers_text(const VpConfig& config);
[[nodiscard]] Refusals set_eal(VpConfig& config, std::span<const std::string> texts);

[[nodiscard]] Clause set_device(PortConfig& port, std::string_view text);
[[nodiscard]] Clause set_address(PortConfig& port, std::string_view text);
[[nodiscard]] Clause set_gateway(PortConfig& port, std::string_view text);
[[nodiscard]] Clause set_gateway_mac(PortConfig& port, std::string_view text);

}  // namespace backsight::config
