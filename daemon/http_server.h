// Pages for machines over HTTP: GET and HEAD of a path, one request a connection.
//
// A request is 8 KiB at the most and is answered, or dropped, within two seconds; two are answered
// at a time, a few wait, and the others stay with the kernel: no client can use this process up.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/error.h"

namespace backsight::daemon {

inline constexpr const char* kPlainText = "text/plain; charset=utf-8";

struct HttpReply {
  int status = 200;
  std::string body;
  const char* content_type = kPlainText;
};

class HttpServer {
 public:
  // Called with the path, without a query, by two threads at once.
  using Answer = std::function<HttpReply(const std::string& path)>;
  // Listens on `listen` ("127.0.0.1:9464", "[::1]:9464"; the key is metrics.listen).
  [[nodiscard]] static Expected<std::unique_ptr<HttpServer>> start(const std::string& listen,
                                                                   Answer answer);
  // Ends at once; requests under way are dropped.
  virtual ~HttpServer() = default;

 protected:
  HttpServer() = default;
};

}  // namespace backsight::daemon
