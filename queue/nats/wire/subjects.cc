#include "queue/nats/wire/subjects.h"

#include <fmt/format.h>

namespace backsight::queue::nats {

namespace {

std::string of(std::string_view kind, std::string_view vp) {
  return fmt::format("{}.{}.{}", kRoot, kind, vp);
}

}  // namespace

std::string task_subject(std::string_view vp) { return of("tasks", vp); }
std::string result_subject(std::string_view vp) { return of("results", vp); }
std::string status_subject(std::string_view vp) { return of("status", vp); }
std::string commit_subject(std::string_view vp, std::uint64_t log) {
  return fmt::format("{}.{:016x}", of("commit", vp), log);
}
std::string dead_subject(std::string_view vp) { return of("dead", vp); }
std::string presence_subject(std::string_view vp) { return of("consumer", vp); }
std::string vp_subject(std::string_view vp, std::string_view id) {
  return fmt::format("{}.{}", of("vp", vp), id);
}

}  // namespace backsight::queue::nats
