#include "config/queue_url.h"

#include <fmt/format.h>

#include "config/listen.h"
#include "probes/ip/address.h"
#include "probes/ip/host_name.h"

namespace backsight::config {
namespace {

constexpr std::string_view kFile = "file://";
constexpr std::string_view kNats = "nats://";
constexpr std::string_view kTls = "tls://";

// Calls `look` with each server of the list until it returns false.
template <typename Look>
void each_server(std::string_view url, Look look) {
  while (true) {
    const std::size_t comma = url.find(',');
    if (!look(url.substr(0, comma)) || comma == url.npos) return;
    url.remove_prefix(comma + 1);
  }
}

// Of "host[:port]", "[::1]:4222".
const char* host_fault(std::string_view place) {
  std::size_t end = place.find(':');
  if (place.starts_with('[')) {
    end = place.find(']');
    if (end == place.npos) return " has a host without its closing bracket";
    ++end;
    if (end == 2) return " names no host";
    if (end < place.size() && place[end] != ':') return " is not host:port";
  }
  const std::string_view host = place.substr(0, end);
  if (host.empty()) return " names no host";
  if (host.find_first_of(" /?#\t\\\"*>") != host.npos) return " is not host:port";
  if (!probes::parse_ipv4(host) && probes::ends_in_number(host)) {
    return " has a host that is neither an address nor a name";
  }
  if (end < place.size() && !is_port(place.substr(end + 1))) {
    return " has a port that is not within 1..65535";
  }
  return nullptr;
}

const char* server_fault(std::string_view server, std::string_view scheme) {
  if (server.starts_with(scheme)) server.remove_prefix(scheme.size());
  if (server.find("://") != server.npos) return " has servers of different schemes";
  const std::size_t at = server.rfind('@');
  if (at != server.npos) server.remove_prefix(at + 1);
  return host_fault(server);
}

}  // namespace

std::optional<std::string> queue_url_fault(std::string_view url) {
  const auto quoted = [&](const char* fault) {
    return fmt::format("\"{}\"{}", queue_url_without_secrets(url), fault);
  };
  if (url.starts_with(kFile)) {
    if (url.substr(kFile.size()).starts_with('/')) return std::nullopt;
    return quoted(" names no absolute path");
  }
  const std::string_view scheme = url.starts_with(kNats) ? kNats : kTls;
  if (!url.starts_with(scheme)) return quoted(" has no scheme that is known");
  const char* fault = nullptr;
  each_server(url, [&](std::string_view server) {
    fault = server_fault(server, scheme);
    return fault == nullptr;
  });
  if (fault == nullptr) return std::nullopt;
  return quoted(fault);
}

std::string queue_url_without_secrets(std::string_view url) {
  if (url.starts_with(kFile)) return std::string(url);
  std::string shown;
  each_server(url, [&](std::string_view server) {
    if (!shown.empty()) shown += ',';
    const std::size_t at = server.rfind('@');
    const std::size_t scheme = server.find("://");
    if (at != server.npos) {
      if (scheme != server.npos) shown += server.substr(0, scheme + 3);
      server.remove_prefix(at + 1);
    }
    shown += server;
    return true;
  });
  return shown;
}

}  // namespace backsight::config
