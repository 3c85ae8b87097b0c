#include "controller/api/api_server.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "daemon/bounded_http.h"

namespace backsight::controller {

namespace {

using namespace std::chrono_literals;
using daemon::BoundedStream;
using Handled = httplib::Server::HandlerResponse;

constexpr daemon::HttpBounds kBounds{
    .head_bytes = std::size_t{16} << 10,
    .head_time = 5s,
    .body_bytes = kMaxBodyBytes + (kMaxBodyBytes >> 4),  // with what chunks add
    .body_time = 60s,
    .answer_time = 5min,
    .idle_time = 10s,
    .connections = 512,
    .threads = 512,
};
constexpr auto kStreamLook = 1s;  // how often it is seen whether a client is still there

ApiRequest read_head(const httplib::Request& from) {
  ApiRequest request{.method = from.method == "HEAD" ? "GET" : from.method, .path = from.path};
  for (const auto& [name, value] : from.params) request.query.emplace(name, value);
  request.key = from.get_header_value("Revtr-Key");
  request.source = from.get_header_value("source");
  request.last_event_id = from.get_header_value("Last-Event-ID");
  request.host = from.get_header_value("Host");
  request.origin = from.get_header_value("Origin");
  request.forwarded_proto = from.get_header_value("X-Forwarded-Proto");
  return request;
}

// Whether the request says that a body follows.
bool has_body(const httplib::Request& request) {
  const std::string length = request.get_header_value("Content-Length");
  return request.has_header("Transfer-Encoding") || (!length.empty() && length != "0");
}

std::optional<ApiReply> refuse_body(const httplib::Request& request) {
  const std::string type = request.get_header_value("Content-Type");
  const std::string coding = request.get_header_value("Content-Encoding");
  if (type.starts_with("multipart/") || (!coding.empty() && coding != "identity")) {
    return error_reply(415, "bad_coding", "send the JSON as it is, neither packed nor in parts");
  }
  const std::string length = request.get_header_value("Content-Length");
  std::uint64_t bytes = 0;
  const auto read = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (!length.empty() && (read.ec != std::errc{} || read.ptr != length.data() + length.size())) {
    return error_reply(400, "bad_header", "Content-Length is not a number");
  }
  if (bytes > kMaxBodyBytes) {
    return error_reply(413, "too_large",
                       fmt::format("a body of {} bytes; {} at the most", bytes, kMaxBodyBytes));
  }
  return std::nullopt;
}

// Counts bytes of bodies that are being read.
class BodyShare {
 public:
  explicit BodyShare(std::atomic<std::size_t>& all) : all_(all) {}
  ~BodyShare() { all_ -= mine_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  // False: there is no room for so many more.
  bool grow(std::size_t bytes) {
    mine_ += bytes;
    return (all_ += bytes) <= kMaxBodiesBytes;
  }

 private:
  std::atomic<std::size_t>& all_;
  std::size_t mine_ = 0;
};

// Event streams that are open, by key.
class OpenStreams {
 public:
  // Held by one of them. None: there are too many, of all or of this key.
  std::shared_ptr<void> enter(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::size_t& mine = by_key_[key];
    if (count_ >= kMaxEventStreams || (!key.empty() && mine >= kMaxEventStreamsPerUser)) {
      if (mine == 0) by_key_.erase(key);
      return nullptr;
    }
    ++mine;
    ++count_;
    return {this, [this, key](void*) { leave(key); }};
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  void leave(const std::string& key) {
    const std::lock_guard lock(mutex_);
    --count_;
    if (--by_key_[key] == 0) by_key_.erase(key);
  }

  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::unordered_map<std::string, std::size_t> by_key_;
};

class HttpApiServer final : public ApiServer {
 public:
  HttpApiServer(const std::string& listen, Api& api)
      : api_(api), server_(kBounds, listen, "listen", "") {
    server_.set_pre_routing_handler([this](const auto& request, auto& response) {
      return answer_or_let_in(request, response) ? Handled::Handled : Handled::Unhandled;
    });
    server_.Post(".*", [this](const auto& request, auto& response, const auto& reader) {
      answer_with_body(request, response, reader);
    });
  }
  [[nodiscard]] Expected<void> start() { return server_.start(); }

  [[nodiscard]] ApiFigures figures() const override {
    return {answers_[0], answers_[1], answers_[2], streams_.count()};
  }

 private:
  // False: the request is good so far, and its body comes next.
  bool answer_or_let_in(const httplib::Request& from, httplib::Response& response) {
    const ApiRequest request = read_head(from);
    if (auto refused = api_.refuse(request)) {
      give(std::move(*refused), request, response);
      return true;
    }
    if (request.method != "POST" || !has_body(from)) {
      give(api_.answer(request), request, response);
      return true;
    }
    if (auto refused = refuse_body(from)) {
      give(std::move(*refused), request, response);
      return true;
    }
    BoundedStream::current().let_body_in();
    return false;
  }

  void answer_with_body(const httplib::Request& from, httplib::Response& response,
                        const httplib::ContentReader& reader) {
    ApiRequest request = read_head(from);
    BodyShare share(body_bytes_);
    std::optional<ApiReply> refused;
    const bool is_read = reader([&](const char* data, std::size_t size) {
      if (request.body.size() + size > kMaxBodyBytes) {
        refused =
            error_reply(413, "too_large", fmt::format("more than {} bytes of body", kMaxBodyBytes));
      } else if (!share.grow(size)) {
        refused = try_again(503, "busy", "too many bodies are being read", 1s);
      } else {
        request.body.append(data, size);
      }
      return !refused;
    });
    if (!is_read && !refused) {
      refused = error_reply(400, "no_body", "the body did not come whole, or not in time");
    }
    give(refused ? std::move(*refused) : api_.answer(request), request, response);
  }

  void give(ApiReply reply, const ApiRequest& request, httplib::Response& response) {
    std::shared_ptr<void> place;
    if (reply.is_event_stream) {
      place = streams_.enter(request.key);
      if (place == nullptr) {
        reply = try_again(streams_.count() >= kMaxEventStreams ? 503 : 429, "too_many_streams",
                          "too many batches are being followed; close some", 5s);
      }
    }
    const int kind = reply.status / 100;
    ++answers_[kind == 5 ? 2 : kind == 4 ? 1 : 0];
    response.status = reply.status;
    response.set_header("Cache-Control", "no-store");
    response.set_header("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.stream == nullptr) {
      response.set_content(reply.body, reply.content_type + "; charset=utf-8");
      return;
    }
    if (reply.is_event_stream) BoundedStream::current().keep_open();
    give_stream(std::move(reply), std::move(place), response);
  }

  // httplib asks for a part until the sink is done; false breaks the connection off.
  void give_stream(ApiReply reply, std::shared_ptr<void> place, httplib::Response& response) {
    response.set_chunked_content_provider(
        reply.content_type + "; charset=utf-8",
        [this, place = std::move(place),
         stream = std::shared_ptr<ApiStream>(std::move(reply.stream))](std::size_t,
                                                                       httplib::DataSink& sink) {
          const auto part = stream->next(kStreamLook);
          if (!part) {
            sink.done();
            return true;
          }
          if (BoundedStream::current().is_broken()) return false;
          const bool is_taken = part->empty() || sink.write(part->data(), part->size());
          return is_taken && !server_.is_stopping();
        });
  }

  Api& api_;
  std::atomic<std::size_t> body_bytes_{0};
  std::array<std::atomic<std::uint64_t>, 3> answers_{};
  OpenStreams streams_;
  daemon::BoundedServer server_;  // ends first
};

}  // namespace

Expected<std::unique_ptr<ApiServer>> ApiServer::start(const std::string& listen, Api& api) {
  auto server = std::make_unique<HttpApiServer>(listen, api);
  if (auto started = server->start(); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace backsight::controller
