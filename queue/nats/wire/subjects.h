// Names of streams, consumers and subjects on the broker (../../docs/queue.md). The version stands
// in the subject: a new form of message gets a new one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace backsight::queue::nats {

inline constexpr std::string_view kRoot = "backsight.v1";

inline constexpr const char* kTaskStream = "BACKSIGHT_TASKS";      // a work queue
inline constexpr const char* kResultStream = "BACKSIGHT_RESULTS";  // a work queue
inline constexpr const char* kStateStream = "BACKSIGHT_STATE";     // the last of each subject
inline constexpr const char* kDeadStream = "BACKSIGHT_DEAD";       // the newest

// Of one vantage point.
[[nodiscard]] std::string task_subject(std::string_view vp);
[[nodiscard]] std::string result_subject(std::string_view vp);
[[nodiscard]] std::string status_subject(std::string_view vp);
// What the consumer has committed of one of its logs.
[[nodiscard]] std::string commit_subject(std::string_view vp, std::uint64_t log);
// Messages that could not be used, each with the reason.
[[nodiscard]] std::string dead_subject(std::string_view vp);
// Who consumes its results answers here.
[[nodiscard]] std::string presence_subject(std::string_view vp);

// Whoever is a vantage point of this name or id hears and answers here; "*" for either: any.
[[nodiscard]] std::string vp_subject(std::string_view vp, std::string_view id);

inline constexpr std::string_view kStatusPrefix = "backsight.v1.status.";

// The pull consumers of a vantage point's tasks and results are named as it is.

// Headers.
inline constexpr const char* kMessageId = "Nats-Msg-Id";  // the broker drops what it has seen
inline constexpr const char* kLogHeader = "Backsight-Log";
inline constexpr const char* kSentHeader = "Backsight-Sent";
inline constexpr const char* kCommittedHeader = "Backsight-Committed";
inline constexpr const char* kReasonHeader = "Backsight-Reason";
inline constexpr const char* kSubjectHeader = "Backsight-Subject";

}  // namespace backsight::queue::nats
