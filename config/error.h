// What the operator or the machine got wrong: a code for the exit status and one sentence that
// names the thing, its place and the remedy. Built where it is known, passed up unchanged, printed
// once.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace backsight {

enum class ErrorCode {
  kBadUsage,   // command line or config: exit code 2
  kRunFailed,  // the machine, while running: exit code 1
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kRunFailed;
  std::string sentence;

  [[nodiscard]] int exit_code() const noexcept { return code == ErrorCode::kBadUsage ? 2 : 1; }
};

template <typename T>
using Expected = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> bad_usage(std::string sentence) {
  return tl::unexpected(Error{ErrorCode::kBadUsage, std::move(sentence)});
}
[[nodiscard]] inline tl::unexpected<Error> run_failed(std::string sentence) {
  return tl::unexpected(Error{ErrorCode::kRunFailed, std::move(sentence)});
}

}  // namespace backsight
