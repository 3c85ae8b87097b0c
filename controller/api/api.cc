#include "controller/api/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/listen.h"
#include "controller/api/embedded.h"
#include "controller/api/listings.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

constexpr std::string_view kBatchPart = "{batch}";
constexpr std::size_t kUsualResults = 1000;  // of a label
constexpr std::size_t kMostResults = 10'000;
constexpr const char* kDescription = "/api/v1/openapi.json";

// Nobody, without keys: no limits but the service's.
const config::ApiUser kNobody{.name = "", .max_revtr_per_day = 0, .max_parallel_revtr = 0};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// Whether the path is the pattern's, and the number where that has "{batch}".
bool is_path(std::string_view path, std::string_view pattern, std::uint64_t& batch) {
  const std::size_t part = pattern.find(kBatchPart);
  if (part == pattern.npos) return path == pattern;
  const std::string_view before = pattern.substr(0, part);
  const std::string_view after = pattern.substr(part + kBatchPart.size());
  if (path.size() < before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return false;
  }
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  const auto number = parse_number(path);
  batch = number.value_or(0);
  return number.has_value();
}

std::string_view query(const ApiRequest& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string_view{} : found->second;
}

// "host:port" or "host", without what a browser puts before it.
bool names_this_machine(std::string_view host) {
  const bool has_port = host.ends_with(']') ? false : host.find(':') != host.npos;
  return config::is_loopback(has_port ? std::string(host) : std::string(host) + ":80");
}

ApiReply embedded(std::string_view content, const char* type) {
  ApiReply reply{.content_type = type, .body = std::string(content)};
  reply.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return reply;
}

ApiReply bad_query(std::string_view sentence) { return error_reply(400, "bad_query", sentence); }

}  // namespace

// One question under way.
struct Api::Asked {
  const ApiRequest& request;
  const config::ApiUser& user;
  std::uint64_t batch;  // of the path

  // Whose number stands in the query.
  [[nodiscard]] tl::expected<std::uint64_t, ApiReply> queried_batch() const {
    if (const auto number = parse_number(query(request, "batchid"))) return *number;
    return tl::unexpected(
        bad_query("batchid is not a number; write ?batchid=N, as the answer to "
                  "POST /api/v1/revtr has it"));
  }
};

struct Api::Route {
  std::string_view method;
  std::string_view path;
  bool is_open;  // to everybody, without a key
  ApiReply (*answer)(Api& api, const Asked& asked);
};

const Api::Route Api::kRoutes[] = {
    {"GET", "/", true, [](Api&, const Asked&) { return embedded(kPageHtml, "text/html"); }},
    {"GET", "/page.js", true,
     [](Api&, const Asked&) { return embedded(kPageScript, "text/javascript"); }},
    {"GET", "/page.css", true, [](Api&, const Asked&) { return embedded(kPageStyle, "text/css"); }},
    {"GET", kDescription, true,
     [](Api&, const Asked&) { return embedded(kOpenApi, "application/json"); }},
    {"GET", "/api/v1/sources", false,
     [](Api& api, const Asked&) { return list_sources(api.service_); }},
    {"GET", "/api/v1/vantage_points", false,
     [](Api& api, const Asked&) { return list_vantage_points(api.service_); }},
    {"POST", "/api/v1/revtr", false,
     [](Api& api, const Asked& asked) {
       return api.submissions_.submit(asked.request, asked.user);
     }},
    {"GET", "/api/v1/revtr", false, [](Api& api, const Asked& asked) { return api.show(asked); }},
    {"DELETE", "/api/v1/revtr", false,
     [](Api& api, const Asked& asked) {
       auto batch = asked.queried_batch();
       if (!batch) return std::move(batch.error());
       return api.results_.cancel(*batch, asked.user.name);
     }},
    {"GET", "/api/v1/revtr/{batch}/events", false,
     [](Api& api, const Asked& asked) { return api.follow(asked); }},
    {"POST", "/api/v1/atlas/run", false,
     [](Api& api, const Asked& asked) { return api.ask_atlas(asked, true); }},
    {"POST", "/api/v1/atlas/clean", false,
     [](Api& api, const Asked& asked) { return api.ask_atlas(asked, false); }},
};

Api::Api(Service& service, Options options, std::shared_ptr<const config::ApiKeys> keys)
    : service_(service),
      submissions_(service, options.max_batch, std::move(options.now_us)),
      results_(service),
      keys_(std::move(keys)) {}

void Api::set_keys(std::shared_ptr<const config::ApiKeys> keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::shared_ptr<const config::ApiKeys> Api::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

std::vector<Api::RouteName> Api::routes() {
  std::vector<RouteName> names;
  for (const Route& route : kRoutes) names.push_back({route.method, route.path});
  return names;
}

const Api::Route* Api::find_route(const ApiRequest& request, std::uint64_t& batch,
                                  std::string& allowed) {
  for (const Route& route : kRoutes) {
    if (!is_path(request.path, route.path, batch)) continue;
    if (route.method == request.method) return &route;
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  return nullptr;
}

std::optional<ApiReply> Api::refuse_stranger(const ApiRequest& request) {
  if (!names_this_machine(request.host)) {
    return error_reply(403, "not_this_machine",
                       "without API keys only programs of this machine may ask, by the name "
                       "localhost or the address 127.0.0.1");
  }
  const std::size_t scheme = request.origin.find("://");
  const std::string_view origin =
      std::string_view(request.origin).substr(scheme == std::string::npos ? 0 : scheme + 3);
  if (!request.origin.empty() && origin != request.host) {
    return error_reply(403, "other_page", "a page of another place may not ask in your name");
  }
  return std::nullopt;
}

std::optional<ApiReply> Api::refuse(const ApiRequest& request) const {
  std::uint64_t batch = 0;
  std::string allowed;
  const Route* const route = find_route(request, batch, allowed);
  if (route == nullptr && !allowed.empty()) {
    ApiReply reply = error_reply(
        405, "method", fmt::format("{} is not possible here; {} is", request.method, allowed));
    reply.headers.emplace_back("Allow", allowed);
    return reply;
  }
  if (route == nullptr) {
    return error_reply(
        404, "no_such_page",
        fmt::format("there is nothing here; {} describes what there is", kDescription));
  }
  const auto known = keys();
  if (known == nullptr) return refuse_stranger(request);
  if (route->is_open || known->find(request.key) != nullptr) return std::nullopt;
  return error_reply(401, request.key.empty() ? "no_key" : "unknown_key",
                     request.key.empty()
                         ? "an API key is needed; send it as the header Revtr-Key"
                         : "this API key is not known; ask who runs the controller");
}

ApiReply Api::answer(const ApiRequest& request) {
  std::uint64_t batch = 0;
  std::string allowed;
  const Route* const route = find_route(request, batch, allowed);
  const auto known = keys();
  const config::ApiUser* const user = known == nullptr || (route != nullptr && route->is_open)
                                          ? &kNobody
                                          : known->find(request.key);
  if (route == nullptr || user == nullptr) {
    return error_reply(401, "unknown_key", "this API key is not known any more");
  }
  return route->answer(*this, {request, *user, batch});
}

ApiReply Api::show(const Asked& asked) {
  if (!asked.request.query.contains("label")) {
    auto batch = asked.queried_batch();
    if (!batch) return std::move(batch.error());
    return results_.show(*batch, asked.user.name);
  }
  if (asked.request.query.contains("batchid")) return bad_query("write batchid or label, not both");
  const std::string_view limit = query(asked.request, "limit");
  const auto most = limit.empty() ? kUsualResults : parse_number(limit).value_or(0);
  if (most == 0 || most > kMostResults) {
    return bad_query(fmt::format("limit is not a number in 1..{}", kMostResults));
  }
  return results_.show_label(std::string(query(asked.request, "label")), most, asked.user.name);
}

ApiReply Api::follow(const Asked& asked) {
  const std::string& last = asked.request.last_event_id;
  const auto seen = last.empty() ? 0 : parse_number(last);
  if (!seen) return error_reply(400, "bad_header", "Last-Event-ID is not a number");
  return results_.follow(asked.batch, *seen, asked.user.name);
}

ApiReply Api::ask_atlas(const Asked& asked, bool runs) {
  const std::string& wanted = asked.request.source;
  if (wanted.empty()) {
    return error_reply(400, "bad_header",
                       "no source; name it in the header source, by name or address");
  }
  const auto address = probes::parse_ipv4(wanted);
  std::string name = wanted;
  for (const SourceInfo& source : service_.sources()) {
    if (address && source.address == *address) name = source.name;
  }
  if (!(runs ? service_.refresh_atlas(name) : service_.clear_atlas(name))) {
    return error_reply(404, "unknown_source",
                       "this source is not known here; GET /api/v1/sources names those that are");
  }
  ApiReply reply{.status = 202};
  tasks::JsonText json(reply.body);
  json.open('{');
  json.text("source", name);
  json.text("atlas", runs ? "is being measured" : "is empty");
  json.close('}');
  return reply;
}

}  // namespace backsight::controller
