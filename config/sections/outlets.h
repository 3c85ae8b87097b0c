// Where every program tells of itself: the sections `metrics` and `log`.
#pragma once

#include <string>
#include <string_view>

#include "config/log_format.h"
#include "config/reading/value_text.h"

namespace backsight::config {

class Keys;

// "host:port", or "off", which is kept as an empty text.
[[nodiscard]] Reading<std::string> read_listen_or_off(std::string_view text);
[[nodiscard]] std::string listen_or_off_text(const std::string& listen);

void describe_log(Keys& keys, LogFormat& format);

}  // namespace backsight::config
