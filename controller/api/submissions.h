// POST /api/v1/revtr: from a body to a batch, within the limits of the user.
// Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/keys/api_keys.h"
#include "controller/api/exchange.h"
#include "controller/json/request_json.h"
#include "controller/service.h"

namespace backsight::controller {

class Submissions {
 public:
  Submissions(Service& service, std::size_t max_batch, std::function<std::uint64_t()> now_us)
      : service_(service), max_batch_(max_batch), now_us_(std::move(now_us)) {}

  [[nodiscard]] ApiReply submit(const ApiRequest& request, const config::ApiUser& user);

 private:
  class Place;

  // Gives names of sources their addresses; what is no source is refused.
  [[nodiscard]] std::vector<Request> name_sources(std::vector<WrittenRequest> written,
                                                  const std::string& user,
                                                  RequestFaults& faults) const;
  // What the user's limits say against so many more, those that are being accepted included.
  [[nodiscard]] std::optional<ApiReply> over_quota(const config::ApiUser& user, std::size_t more);

  Service& service_;
  const std::size_t max_batch_;
  const std::function<std::uint64_t()> now_us_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint64_t> coming_;  // by user, while they are accepted
};

}  // namespace backsight::controller
