// Requests as JSON: what users post, and what the journal keeps.
//
//   {"revtrs":[{"src":"ams01","dst":"198.51.100.7","label":"mine","staleness":60}, ...]}
//
// RevTr's names where it has them, by the rules of protobuf's JSON: names_like_this and
// namesLikeThis, whole numbers also as texts, null for what is not there, keys that mean nothing
// here passed. Of src and dst only the form is checked: whether there is such a source is not known
// here. Thread: any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "controller/request.h"
#include "controller/service.h"

namespace backsight::controller {

inline constexpr std::size_t kMaxLabelBytes = 256;
inline constexpr std::size_t kMaxUuidBytes = 128;
inline constexpr std::uint32_t kMaxStalenessMinutes = 30 * 24 * 60;
inline constexpr std::uint8_t kMaxSpoofers = 100;

// A request as written: `request` has all but id, batch, user and the address that `src` means.
struct WrittenRequest {
  std::string src;  // a source's name or address
  Request request;
};

// What was understood of a submission.
struct Submission {
  // All of them, in order. One at fault has its `refused`, and of the rest what could be read.
  std::vector<WrittenRequest> requests;
  RequestFaults faults;  // the first kMaxToldFaults
  std::vector<std::string>
      ignored;  // keys that mean nothing here and in RevTr, as far as kMaxToldKeys
};
inline constexpr std::size_t kMaxToldFaults = 100;
inline constexpr std::size_t kMaxToldKeys = 20;

// What is wrong with a submission as a whole.
struct SubmissionFault {
  enum class Kind {
    kForm,     // no submission
    kTooMany,  // more requests than one may have
  };
  Kind kind = Kind::kForm;
  std::string sentence;  // what is wrong and what would be right
};
[[nodiscard]] tl::expected<Submission, SubmissionFault> parse_submission(std::string_view json,
                                                                         std::size_t most);

// What append_submission() wrote: everything in it is known and right, or it is damaged.
[[nodiscard]] tl::expected<std::vector<WrittenRequest>, std::string> parse_kept(
    std::string_view json, std::size_t most);

// The requests as a submission with addresses for sources, and with why one was refused; what is as
// usual is left out, as are id, batch and user.
void append_submission(std::string& out, std::span<const Request> requests);

// The keys of a request, each with its values, default and meaning: the rows of docs/api.md and of
// the API's own description.
struct RequestKey {
  std::string_view name;
  std::string_view type;  // of JSON schema: "string", "integer", "boolean"
  std::uint64_t least = 0;
  std::uint64_t most = 0;  // of an integer, or bytes of a string
  std::string_view usual;  // as JSON; empty: required
  std::string_view meaning;
};
[[nodiscard]] std::span<const RequestKey> request_keys();

}  // namespace backsight::controller
