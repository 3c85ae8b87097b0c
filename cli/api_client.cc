#include "cli/api_client.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "probes/ip/address.h"
#include "probes/ip/host_name.h"

namespace backsight::cli {

namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr seconds kConnectTime{5};
// The controller sends something every few seconds while nothing ends.
constexpr seconds kSilence{60};
constexpr int kMostBreaks = 5;  // in a row
constexpr const char* kUrlsWanted = "write http://HOST:PORT or https://HOST";

httplib::Headers headers_for(const ControllerAddress& at) {
  if (at.key.empty()) return {};
  return {{"Revtr-Key", at.key}};
}

// REQUIRES: the URL has a scheme.
std::string_view host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  return url.substr(0, url.find_first_of(":/"));
}

Expected<std::unique_ptr<httplib::Client>> connect(const ControllerAddress& at) {
  if (!at.url.starts_with("http://") && !at.url.starts_with("https://")) {
    return bad_usage(fmt::format("--controller {}: {}", at.url, kUrlsWanted));
  }
  const std::string_view host = host_of(at.url);
  if (probes::ends_in_number(host) && !probes::parse_ipv4(host)) {
    return bad_usage(fmt::format("--controller {}: {} is neither an address nor a name; {}", at.url,
                                 host, kUrlsWanted));
  }
  auto client = std::make_unique<httplib::Client>(at.url);
  if (!client->is_valid()) {
    return bad_usage(fmt::format("--controller {}: {}", at.url, kUrlsWanted));
  }
  client->set_connection_timeout(kConnectTime);
  client->set_read_timeout(kSilence);
  return client;
}

tl::unexpected<Error> unreachable(const ControllerAddress& at, httplib::Error error) {
  return run_failed(
      fmt::format("{}: no controller answers there ({}); name it with --controller, or start "
                  "backsight-controller",
                  at.url, httplib::to_string(error)));
}

// What the API said was wrong, each item's sentence a line.
Error refusal(const ControllerAddress& at, int status, const std::string& body) {
  std::string text;
  const Json json = Json::parse(body, nullptr, false);
  const auto sentence_of = [](const Json& it) {
    return it.is_object() && it.contains("sentence") && it["sentence"].is_string()
               ? it["sentence"].get<std::string>()
               : std::string();
  };
  if (json.is_object() && json.contains("error")) {
    const Json& error = json["error"];
    if (error.contains("items") && error["items"].is_array()) {
      for (const Json& it : error["items"]) {
        text += (text.empty() ? "" : "\n") + sentence_of(it);
      }
    }
    if (text.empty()) text = sentence_of(error);
  }
  if (text.empty()) text = fmt::format("{} answers {}", at.url, status);
  const bool is_ours = status == 400 || status == 422 || status == 413;
  return {is_ours ? ErrorCode::kBadUsage : ErrorCode::kRunFailed, text};
}

// Server-sent events, as far as we need them: "event", "id" and "data" lines, a blank line ends
// one.
class Events {
 public:
  struct Event {
    std::string name, id, data;
  };
  template <typename Each>
  void feed(const char* bytes, std::size_t count, Each each) {
    text_.append(bytes, count);
    for (std::size_t end; (end = text_.find('\n', at_)) != text_.npos; at_ = end + 1) {
      take_line(std::string_view(text_).substr(at_, end - at_), each);
    }
    text_.erase(0, at_);
    at_ = 0;
  }

 private:
  template <typename Each>
  void take_line(std::string_view line, Each each) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      if (!event_.data.empty()) each(event_);
      event_ = {};
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == line.npos) return;  // a comment: the heartbeat
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    const std::string_view field = line.substr(0, colon);
    if (field == "event") event_.name = value;
    if (field == "id") event_.id = value;
    if (field == "data") event_.data += value;
  }

  std::string text_;
  std::size_t at_ = 0;
  Event event_;
};

}  // namespace

Expected<std::uint64_t> submit(const ControllerAddress& at, const std::string& body) {
  const auto client = connect(at);
  if (!client) return tl::unexpected(client.error());
  const auto answer = (*client)->Post("/api/v1/revtr", headers_for(at), body, "application/json");
  if (!answer) return unreachable(at, answer.error());
  if (answer->status != 200) return tl::unexpected(refusal(at, answer->status, answer->body));
  const Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object() || !json.contains("batch_id") || !json["batch_id"].is_number_unsigned()) {
    return run_failed(fmt::format("{}: its answer is no controller's", at.url));
  }
  return json["batch_id"].get<std::uint64_t>();
}

Expected<void> follow(const ControllerAddress& at, std::uint64_t batch,
                      const std::function<void(const std::string&)>& path,
                      const std::function<bool()>& goes_on) {
  const std::string route = fmt::format("/api/v1/revtr/{}/events", batch);
  std::string last_id;
  bool has_ended = false;
  for (int breaks = 0; !has_ended && goes_on();) {
    const auto client = connect(at);
    if (!client) return tl::unexpected(client.error());
    httplib::Headers headers = headers_for(at);
    if (!last_id.empty()) headers.emplace("Last-Event-ID", last_id);
    Events events;
    std::string refused;
    int status = 0;
    const auto answer = (*client)->Get(
        route, headers,
        [&](const httplib::Response& response) {
          status = response.status;
          return true;
        },
        [&](const char* bytes, std::size_t count) {
          if (status != 200) {
            refused.append(bytes, count);
            return true;
          }
          events.feed(bytes, count, [&](const Events::Event& event) {
            if (event.name == "end") has_ended = true;
            if (event.name != "revtr") return;
            last_id = event.id;
            breaks = 0;
            path(event.data);
          });
          return goes_on() && !has_ended;
        });
    if (has_ended || !goes_on()) break;
    if (status != 0 && status != 200) return tl::unexpected(refusal(at, status, refused));
    if (++breaks > kMostBreaks) {
      return run_failed(
          fmt::format("{}: the connection breaks again and again; the batch goes on: "
                      "ask for {}/api/v1/revtr?batchid={}",
                      at.url, at.url, batch));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200 * breaks));
  }
  return {};
}

void cancel(const ControllerAddress& at, std::uint64_t batch) {
  if (const auto client = connect(at)) {
    (void)(*client)->Delete(fmt::format("/api/v1/revtr?batchid={}", batch), headers_for(at));
  }
}

}  // namespace backsight::cli
