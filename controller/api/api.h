// The API and the page: who may ask what. RevTr's routes and names where it has them; all routes
// stand in api/page/openapi.json.
//
// With keys every route of /api/ but its own description needs one, and a user sees its own batches
// alone. Without keys only programs of this machine may ask: a Host that is not the loopback's (a
// name that somebody made point to it) and an Origin that is another page's are refused. Thread:
// any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/keys/api_keys.h"
#include "controller/api/exchange.h"
#include "controller/api/results.h"
#include "controller/api/submissions.h"
#include "controller/service.h"

namespace backsight::controller {

class Api {
 public:
  struct Options {
    std::size_t max_batch = 10'000;
    std::function<std::uint64_t()> now_us;  // unix time
  };
  // `service` outlives this. No `keys`: nobody but this machine may ask.
  Api(Service& service, Options options, std::shared_ptr<const config::ApiKeys> keys);

  // From now on these hold. REQUIRES: there were some before.
  void set_keys(std::shared_ptr<const config::ApiKeys> keys);

  // All there is: method and path; "{batch}" is a number.
  struct RouteName {
    std::string_view method;
    std::string_view path;
  };
  [[nodiscard]] static std::vector<RouteName> routes();

  // What can be refused before the body is read: by route and by key.
  [[nodiscard]] std::optional<ApiReply> refuse(const ApiRequest& request) const;
  // REQUIRES: refuse() did not.
  [[nodiscard]] ApiReply answer(const ApiRequest& request);

 private:
  struct Route;
  struct Asked;
  static const Route kRoutes[];
  // Finds the route, and the batch that the path names; else tells in `allowed` what methods the
  // path has.
  static const Route* find_route(const ApiRequest& request, std::uint64_t& batch,
                                 std::string& allowed);

  [[nodiscard]] std::shared_ptr<const config::ApiKeys> keys() const;
  [[nodiscard]] static std::optional<ApiReply> refuse_stranger(const ApiRequest& request);
  ApiReply show(const Asked& asked);
  ApiReply follow(const Asked& asked);
  ApiReply ask_atlas(const Asked& asked, bool runs);

  Service& service_;
  Submissions submissions_;
  Results results_;
  mutable std::mutex mutex_;
  std::shared_ptr<const config::ApiKeys> keys_;
};

}  // namespace backsight::controller
