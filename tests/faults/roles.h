// The processes that the faults test kills: small programs around the queue's own classes.
#pragma once

#include <string>

namespace backsight::faults {

struct RoleOptions {
  std::string url;
  std::string folder;      // of spool and state, on a disk that may be full
  std::string results;     // the file that the consumer writes, on one that is not
  std::string clock_file;  // holds how far the clock is off
};

// Takes tasks, answers each, puts the results; for ever.
int run_vantage_point(const RoleOptions& options);
// Writes what it consumes to a file, each batch under its name, durably before it commits.
// A batch that stands there already is not written again. For ever.
int run_consumer(const RoleOptions& options);
inline constexpr int kGivenTwice = 3;

// Seconds that this process's clock is off from now on, as the file says; it may change.
void follow_clock(const std::string& file);

}  // namespace backsight::faults
