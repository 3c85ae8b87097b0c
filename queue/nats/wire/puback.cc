#include "queue/nats/wire/puback.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace backsight::queue::nats {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxWords = 200;

std::string printable(std::string text) {
  text.resize(std::min(text.size(), kMaxWords));
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

namespace {

constexpr const char* kUnreadable = "the broker's answer cannot be read";

std::string error_of(const Json& json) {
  if (!json.is_object()) return kUnreadable;
  const auto error = json.find("error");
  if (error == json.end()) return {};
  const bool has_words = error->is_object() && error->contains("description") &&
                         error->at("description").is_string() &&
                         !error->at("description").get_ref<const std::string&>().empty();
  return has_words ? printable(error->at("description").get<std::string>())
                   : std::string("the broker names no reason");
}

}  // namespace

std::string api_error(std::string_view text) { return error_of(Json::parse(text, nullptr, false)); }

PubAck parse_pub_ack(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  std::string error = error_of(json);
  if (!error.empty()) return {.why = std::move(error)};
  const auto sequence = json.find("seq");
  if (sequence == json.end() || !sequence->is_number_unsigned()) {
    return {.why = kUnreadable};
  }
  const auto duplicate = json.find("duplicate");
  return {
      .is_stored = true,
      .is_duplicate = duplicate != json.end() && duplicate->is_boolean() && duplicate->get<bool>(),
      .why = {}};
}

}  // namespace backsight::queue::nats
