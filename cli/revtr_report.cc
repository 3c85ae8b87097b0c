#include "cli/revtr_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace backsight::cli {

namespace {

using Json = nlohmann::json;

template <typename T>
T value_of(const Json& object, const char* key, T otherwise) {
  if (!object.is_object()) return otherwise;
  const auto at = object.find(key);
  if (at == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return at->is_string() ? at->get<std::string>() : otherwise;
  } else if constexpr (std::is_same_v<T, bool>) {
    return at->is_boolean() ? at->get<bool>() : otherwise;
  } else {
    return at->is_number() ? at->get<T>() : otherwise;
  }
}

const Json& hops_of(const Json& path) {
  static const Json kNone = Json::array();
  const auto at = path.find("revtr_hops");
  return at != path.end() && at->is_array() ? *at : kNone;
}

// How a hop was found, in words.
std::string technique_of(const Json& hop) {
  std::string text;
  switch (value_of(hop, "hop_type", 0)) {
    case 1:
      return "destination";
    case 3:
      text = "traceroute atlas";
      break;
    case 4:
      text = value_of(hop, "uncertain_group", 0) == 0 ? "traceroute atlas, not stamped"
                                                      : "traceroute atlas, about here";
      if (value_of(hop, "uncertain_group", 0) > 1) {
        text += fmt::format(" ({})", value_of(hop, "uncertain_group", 0));
      }
      break;
    case 5:
      text = "record route";
      break;
    case 6:
      text = "spoofed record route";
      break;
    case 11:
      text = "assumed symmetric";
      break;
    case 12:
      text = "assumed symmetric, across ASes";
      break;
    default:
      text = "unknown";
  }
  if (value_of(hop, "branch", 0) != 0) text += ", balanced";
  return text;
}

std::string time_of(const Json& hop) {
  const auto rtt_us = value_of<std::uint64_t>(hop, "rtt", 0);
  return rtt_us == 0 ? "" : fmt::format("{:.3f} ms", static_cast<double>(rtt_us) / 1000);
}

std::string as_of(const Json& hop) {
  const auto asn = value_of<std::uint64_t>(hop, "asn", 0);
  return asn == 0 ? "" : fmt::format("AS{}", asn);
}

void append_table(std::string& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == 0 || i == 3) {
        line += fmt::format("{:>{}}  ", row[i], widths[i]);
      } else {
        line += fmt::format("{:<{}}  ", row[i], widths[i]);
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
}

std::string conclusion_of(const Json& path) {
  const bool reaches = value_of(path, "stop_reason", std::string()) == "REACHES";
  std::string text;
  if (reaches) {
    text = "reaches the source";
  } else {
    const std::string detail = value_of(path, "fail_detail", std::string());
    text = "failed: " +
           (detail.empty() ? value_of(path, "fail_reason", std::string("unknown")) : detail);
  }
  if (value_of(path, "from_cache", false)) return text + "; from cache";
  return fmt::format("{}; {:.0f} ms, {} probes", text, value_of<double>(path, "runtime", 0) / 1000,
                     value_of(path, "probes", 0));
}

}  // namespace

std::vector<std::string> addresses_of(const Json& path) {
  std::vector<std::string> addresses;
  for (const Json& hop : hops_of(path)) {
    const std::string address = value_of(hop, "hop_ip", std::string());
    if (!address.empty() && address != "0.0.0.0") addresses.push_back(address);
  }
  return addresses;
}

std::string report_path(const Json& path, const std::map<std::string, std::string>& names) {
  const std::string dst = value_of(path, "dst", std::string());
  std::string text =
      fmt::format("reverse traceroute from {} to {}", dst, value_of(path, "src", std::string()));
  if (value_of(path, "is_try_from_destination_AS", false)) {
    text += ", a router in the AS of a destination that is silent";
  }
  text += "\n";
  std::vector<std::vector<std::string>> rows;
  int branch = 0;
  int number = 0;
  for (const Json& hop : hops_of(path)) {
    const std::string address = value_of(hop, "hop_ip", std::string());
    const bool is_known = !address.empty() && address != "0.0.0.0";
    const int beside = value_of(hop, "branch", 0);
    // Ways that stand beside each other have one number.
    if (beside == 0 || beside != branch) ++number;
    const bool is_beside = beside != 0 && beside == branch;
    branch = beside;
    const auto name = names.find(address);
    const std::string shown = !is_known ? "*"
                              : name == names.end() || name->second.empty()
                                  ? address
                                  : fmt::format("{} ({})", name->second, address);
    rows.push_back({is_beside ? "" : std::to_string(number), shown, as_of(hop), time_of(hop),
                    technique_of(hop)});
  }
  append_table(text, rows);
  return text + conclusion_of(path) + "\n";
}

}  // namespace backsight::cli
