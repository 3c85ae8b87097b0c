#include "controller/api/exchange.h"

#include "controller/json/utf8.h"

namespace backsight::controller {

void append_items(tasks::JsonText& json, std::string_view key,
                  const std::vector<ItemSentence>& items) {
  json.key(key);
  json.open('[');
  for (const ItemSentence& one : items) {
    json.open('{');
    json.number("item", one.item);
    json.text("sentence", as_utf8(one.sentence));
    json.close('}');
  }
  json.close(']');
}

ApiReply error_reply(int status, std::string_view code, std::string_view sentence,
                     const std::vector<ItemSentence>& items) {
  ApiReply reply{.status = status};
  tasks::JsonText json(reply.body);
  json.open('{');
  json.key("error");
  json.open('{');
  json.text("code", code);
  json.text("sentence", as_utf8(sentence));
  if (!items.empty()) append_items(json, "items", items);
  json.close('}');
  json.close('}');
  return reply;
}

ApiReply try_again(int status, std::string_view code, std::string_view sentence,
                   std::chrono::seconds after) {
  ApiReply reply = error_reply(status, code, sentence);
  reply.headers.emplace_back("Retry-After", std::to_string(after.count()));
  return reply;
}

}  // namespace backsight::controller
