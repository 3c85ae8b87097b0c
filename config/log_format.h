// How what a program tells on standard error looks.
#pragma once

namespace backsight::config {

enum class LogFormat { kText, kJson };

}  // namespace backsight::config
