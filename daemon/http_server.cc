#include "daemon/http_server.h"

#include <utility>

#include "daemon/bounded_http.h"

namespace backsight::daemon {
namespace {

class PageServer final : public HttpServer {
 public:
  PageServer(const std::string& listen, Answer answer)
      : answer_(std::move(answer)), server_(HttpBounds{}, listen, "metrics.listen", "\"off\"") {
    using Handled = httplib::Server::HandlerResponse;
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          respond(request, response);
          return Handled::Handled;
        });
  }
  [[nodiscard]] Expected<void> start() { return server_.start(); }

 private:
  void respond(const httplib::Request& request, httplib::Response& response) const {
    if (request.method != "GET" && request.method != "HEAD") {
      response.status = 405;
      response.set_header("Allow", "GET, HEAD");
      response.set_content("Only GET and HEAD are answered here.\n", kPlainText);
      return;
    }
    const HttpReply reply = answer_(request.path);
    response.status = reply.status;
    response.set_content(reply.body, reply.content_type);
  }

  const Answer answer_;
  BoundedServer server_;  // ends first
};

}  // namespace

Expected<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, Answer answer) {
  auto server = std::make_unique<PageServer>(listen, std::move(answer));
  if (auto started = server->start(); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace backsight::daemon
