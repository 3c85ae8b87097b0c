#include "queue/nats/puback.h"

#include <algorithm>
#include <nlohmann/json.hpp>

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

PubAck parse_pub_ack(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return {.why = "the broker's answer cannot be read"};
  const auto error = json.find("error");
  if (error != json.end()) {
    const bool has_words = error->is_object() && error->contains("description") &&
                           error->at("description").is_string() &&
                           !error->at("description").get_ref<const std::string&>().empty();
    return {.why = has_words ? printable(error->at("description").get<std::string>())
                             : std::string("the broker names no reason")};
  }
  const auto sequence = json.find("seq");
  if (sequence == json.end() || !sequence->is_number_unsigned()) {
    return {.why = "the broker's answer cannot be read"};
  }
  const auto duplicate = json.find("duplicate");
  return {
      .is_stored = true,
      .is_duplicate = duplicate != json.end() && duplicate->is_boolean() && duplicate->get<bool>(),
      .why = {}};
}

}  // namespace backsight::queue::nats
