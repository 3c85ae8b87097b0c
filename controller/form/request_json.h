// Requests as JSON: what users post, and what the journal keeps.
//
//   {"revtrs":[{"src":"ams01","dst":"198.51.100.7","label":"mine","staleness":60}, ...]}
//
// RevTr's names where it has them. Of src and dst only the form is checked: whether there is such a
// source is not known here.
// Thread: any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "controller/request.h"

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

// What is wrong with a submission.
struct SubmissionFault {
  enum class Kind {
    kForm,         // not what this page describes
    kTooMany,      // more requests than a submission may have
    kDestination,  // an address from which nothing can be measured here: IPv6
  };
  static constexpr std::size_t kWhole = static_cast<std::size_t>(-1);

  Kind kind = Kind::kForm;
  std::size_t item = kWhole;  // from 0, or the whole submission
  std::string sentence;       // what is wrong and what would be right
};
using SubmissionFaults = std::vector<SubmissionFault>;

// All faults at once, the first so many.
inline constexpr std::size_t kMaxToldFaults = 100;
[[nodiscard]] tl::expected<std::vector<WrittenRequest>, SubmissionFaults> parse_submission(
    std::string_view json, std::size_t most);

// The requests as a submission with addresses for sources; what is as usual is left out, as are id,
// batch and user.
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
