// What the broker answers to a message for a stream, as JSON:
// {"stream":"S","seq":7,"duplicate":true} or {"error":{"err_code":10077,"description":"..."}}.
#pragma once

#include <string>
#include <string_view>

namespace backsight::queue::nats {

struct PubAck {
  bool is_stored = false;     // it has the message, now or from before
  bool is_duplicate = false;  // from before
  std::string why;            // not stored: what the broker says, made printable
};

// Trusts nothing: what is no answer is one that says so.
[[nodiscard]] PubAck parse_pub_ack(std::string_view json);

// What an answer of the broker's API says is wrong, made printable; empty: nothing.
[[nodiscard]] std::string api_error(std::string_view json);

}  // namespace backsight::queue::nats
