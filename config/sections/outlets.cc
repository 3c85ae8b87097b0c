#include "config/sections/outlets.h"

#include "config/listen.h"
#include "config/reading/keys.h"

namespace backsight::config {
namespace {

constexpr std::string_view kOff = "off";

}  // namespace

Reading<std::string> read_listen_or_off(std::string_view text) {
  if (text == kOff) return std::string();
  if (auto fault = listen_fault(text)) return tl::unexpected(*std::move(fault));
  return std::string(text);
}

std::string listen_or_off_text(const std::string& listen) {
  return listen.empty() ? std::string(kOff) : listen;
}

void describe_log(Keys& keys, LogFormat& format) {
  keys.word("log.format", format, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
            "of the lines on standard error");
}

}  // namespace backsight::config
