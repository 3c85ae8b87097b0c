// A question to the API and its answer, without the protocol that carries them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tasks/json/json_text.h"

namespace backsight::controller {

struct ApiRequest {
  std::string method = {};                        // "GET"
  std::string path = {};                          // decoded, without its query
  std::map<std::string, std::string> query = {};  // of a name that stands twice the first value
  // Headers; empty: not there.
  std::string key = {};            // Revtr-Key
  std::string source = {};         // source, of atlas requests
  std::string last_event_id = {};  // Last-Event-ID
  std::string host = {};
  std::string origin = {};
  std::string forwarded_proto = {};  // X-Forwarded-Proto
  std::string body = {};
};

// An answer that comes part by part. Thread: one at a time.
class ApiStream {
 public:
  virtual ~ApiStream() = default;
  // The next part; empty: nothing within `patience`. Nothing: it has ended.
  [[nodiscard]] virtual std::optional<std::string> next(std::chrono::milliseconds patience) = 0;
};

struct ApiReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::unique_ptr<ApiStream> stream = nullptr;  // instead of a body
  bool is_event_stream = false;                 // may stay open for long
};

// {"error":{"code":...,"sentence":...}}, and what is wrong with each item, if anything is.
struct ItemSentence {
  std::size_t item = 0;
  std::string sentence;
};
void append_items(tasks::JsonText& json, std::string_view key,
                  const std::vector<ItemSentence>& items);
[[nodiscard]] ApiReply error_reply(int status, std::string_view code, std::string_view sentence,
                                   const std::vector<ItemSentence>& items = {});
// The same with Retry-After.
[[nodiscard]] ApiReply try_again(int status, std::string_view code, std::string_view sentence,
                                 std::chrono::seconds after);

}  // namespace backsight::controller
