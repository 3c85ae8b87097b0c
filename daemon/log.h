// What the program tells on standard error, a line each: for a person, for the journal (each line
// with its priority, sd-daemon(3)), or as JSON objects.
#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <string>
#include <string_view>

#include "config/log_format.h"

namespace backsight::daemon {

struct LogStyle {
  std::string program = {};  // that tells: backsight-vp
  config::LogFormat format = config::LogFormat::kText;
  bool is_journal = false;   // which knows program and level: "<4>sentence"
  bool is_terminal = false;  // lines erase the progress line that they are written over
  std::string vp = {};       // named in JSON; empty: not known
};

// `level` is told unless it is off. Every line of `sentence` becomes a line, or all one object:
//   backsight-vp: warning: sentence
//   {"time":"2027-01-31T12:00:00.000Z","level":"warning","vp":"ams01","message":"sentence"}
[[nodiscard]] std::string log_lines(const LogStyle& style, spdlog::level::level_enum level,
                                    bool names_level, std::string_view sentence,
                                    std::chrono::system_clock::time_point time);

// True if standard error is the stream that systemd gave us (JOURNAL_STREAM, systemd.exec(5)).
[[nodiscard]] bool is_journal_stream(int descriptor, const char* journal_stream);

// Makes spdlog's default logger one that writes to standard error, as text until style_log() says
// otherwise.
void set_up_log(const std::string& program, bool is_verbose);
// `vp` is the name of a vantage point; empty: the program is none.
void style_log(config::LogFormat format, const std::string& vp = {});

// A sentence that needs no level's name to be understood.
void tell(std::string_view sentence, spdlog::level::level_enum level = spdlog::level::info);

}  // namespace backsight::daemon
