// What users post and what the journal reads back. The first byte chooses: 0 a submission, 1 a
// record of the journal. What is accepted of a submission is accepted again as the journal writes
// it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "controller/form/path_json.h"
#include "controller/form/request_json.h"
#include "controller/journal/journal_record.h"

namespace {

using namespace backsight::controller;

constexpr std::size_t kMost = 50;

void check_submission(std::string_view json) {
  const auto parsed = parse_submission(json, kMost);
  if (!parsed) {
    if (parsed.error().empty() || parsed.error().size() > kMaxToldFaults + kMost) std::abort();
    for (const SubmissionFault& fault : parsed.error()) {
      if (fault.sentence.empty() || fault.sentence.find('\n') != fault.sentence.npos) std::abort();
    }
    return;
  }
  if (parsed->empty() || parsed->size() > kMost) std::abort();
  std::vector<Request> requests;
  for (const WrittenRequest& written : *parsed) {
    if (written.src.empty() || written.request.label.size() > kMaxLabelBytes) std::abort();
    requests.push_back(written.request);
  }
  std::string text;
  append_submission(text, requests);
  const auto again = parse_submission(text, kMost);
  if (!again || again->size() != requests.size()) std::abort();
  requests.clear();
  for (const WrittenRequest& written : *again) requests.push_back(written.request);
  std::string once_more;
  append_submission(once_more, requests);
  if (once_more != text) std::abort();
}

void check_record(std::span<const std::byte> bytes) {
  if (!parse_head(bytes)) return;
  const auto text = parse_text(bytes);
  if (!text) return;
  static_cast<void>(parse_path(*text).has_value());
  static_cast<void>(parse_submission(*text, kMost).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] % 2 == 0) {
    check_submission({reinterpret_cast<const char*>(data) + 1, size - 1});
  } else {
    check_record(std::as_bytes(std::span(data + 1, size - 1)));
  }
  return 0;
}
