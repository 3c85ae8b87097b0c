// An API over a service of the test's own, asked without a network.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/api/api.h"
#include "fake_service.h"

namespace backsight::controller {

inline constexpr const char* kAliceKey = "alice-alice-alice-alice";
inline constexpr const char* kBobKey = "bob-bob-bob-bob-bob-bob";

struct Answered {
  int status = 0;
  nlohmann::json json;  // discarded: it is none
  std::string text;
  std::map<std::string, std::string> headers;
  std::string type;

  [[nodiscard]] std::string code() const { return json["error"]["code"]; }
  [[nodiscard]] std::string sentence() const { return json["error"]["sentence"]; }
};

class ApiRig {
 public:
  explicit ApiRig(bool has_keys = true) : api_(service_, options(), has_keys ? keys() : nullptr) {}

  static std::shared_ptr<const config::ApiKeys> keys() {
    auto parsed = config::parse_api_keys(
        std::string("keys:\n- {key: ") + kAliceKey +
            ", user: alice, max_revtr_per_day: 100, max_parallel_revtr: 10}\n- {key: " + kBobKey +
            ", user: bob, max_revtr_per_day: 0, max_parallel_revtr: 0}\n",
        "keys.yaml");
    return std::make_shared<const config::ApiKeys>(std::move(*parsed));
  }

  ApiRequest request(std::string method, std::string path) const {
    ApiRequest request{.method = std::move(method), .path = std::move(path)};
    const std::size_t question = request.path.find('?');
    if (question != std::string::npos) {
      std::istringstream pairs(request.path.substr(question + 1));
      request.path.resize(question);
      for (std::string pair; std::getline(pairs, pair, '&');) {
        const std::size_t equals = std::min(pair.find('='), pair.size() - 1);
        request.query.emplace(pair.substr(0, equals), pair.substr(equals + 1));
      }
    }
    request.key = kAliceKey;
    request.host = "revtr.example.net";
    return request;
  }

  Answered ask(const ApiRequest& request) {
    auto reply = api_.refuse(request);
    return read(reply ? std::move(*reply) : api_.answer(request));
  }
  Answered get(const std::string& path) { return ask(request("GET", path)); }
  Answered post(const std::string& body, const char* key = kAliceKey) {
    ApiRequest asked = request("POST", "/api/v1/revtr");
    asked.key = key;
    asked.body = body;
    return ask(asked);
  }
  // Of one request. Returns the batch.
  std::uint64_t submit(const char* key = kAliceKey, const std::string& label = "") {
    return post(R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7","label":")" + label + "\"}]}",
                key)
        .json.at("batch_id");
  }

  static Answered read(ApiReply reply) {
    Answered answered;
    answered.status = reply.status;
    answered.text = reply.body;
    if (reply.stream != nullptr) {
      while (const auto part = reply.stream->next(std::chrono::milliseconds(1))) {
        answered.text += *part;
      }
    }
    for (const auto& [name, value] : reply.headers) answered.headers[name] = value;
    answered.type = reply.content_type;
    answered.json = nlohmann::json::parse(answered.text, nullptr, false);
    return answered;
  }

  FakeService service_;
  std::uint64_t now_us_ = 1'767'225'600'000'000 + 3600ULL * 1'000'000;  // one o'clock UTC
  Api api_;

 private:
  Api::Options options() {
    return {.max_batch = 5, .now_us = [this] { return now_us_; }};
  }
};

}  // namespace backsight::controller
