// What users post and what the journal reads back. The first byte chooses: 0 a submission, 1 a
// record of the journal. What is accepted of a submission is accepted again as the journal writes
// it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/journal/journal_record.h"
#include "controller/json/path_json.h"
#include "controller/json/request_json.h"

namespace {

using namespace backsight::controller;

constexpr std::size_t kMost = 50;

void check_submission(std::string_view json) {
  const auto parsed = parse_submission(json, kMost);
  if (!parsed) {
    const std::string& sentence = parsed.error().sentence;
    if (sentence.empty() || sentence.find('\n') != sentence.npos) std::abort();
    return;
  }
  if (parsed->requests.empty() || parsed->requests.size() > kMost) std::abort();
  if (parsed->faults.size() > kMaxToldFaults || parsed->ignored.size() > kMaxToldKeys) std::abort();
  for (const RequestFault& fault : parsed->faults) {
    if (fault.sentence.empty() || fault.sentence.find('\n') != fault.sentence.npos) std::abort();
    if (parsed->requests.at(fault.item).request.refused.empty()) std::abort();
  }
  std::vector<Request> requests;
  for (const WrittenRequest& written : parsed->requests) {
    const bool is_whole = !written.src.empty() || !written.request.refused.empty();
    if (!is_whole || written.request.label.size() > kMaxLabelBytes) std::abort();
    requests.push_back(written.request);
  }
  std::string text;
  append_submission(text, requests);
  const auto again = parse_kept(text, kMost);
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
  static_cast<void>(fields_of(*text).size());
  static_cast<void>(parse_kept(*text, kMost).has_value());
}

// Words that submissions are made of, so that many are whole.
constexpr std::array<std::string_view, 32> kWords = {R"({"revtrs":[)",
                                                     R"({"src":"ams01","dst":"198.51.100.7")",
                                                     "}",
                                                     "]}",
                                                     ",",
                                                     "{",
                                                     "[",
                                                     "]",
                                                     R"(,"label":"mine")",
                                                     R"(,"label":)",
                                                     R"(,"uuid":"u")",
                                                     R"(,"staleness":5)",
                                                     R"(,"staleness":)",
                                                     R"(,"max_spoofers":100)",
                                                     R"(,"use_cache":false)",
                                                     R"(,"is_run_rtt_pings":true)",
                                                     R"(,"is_run_forward_traceroute":)",
                                                     R"(,"find_branches":true)",
                                                     R"(,"atlas_options":{})",
                                                     R"("src":"192.0.2.1")",
                                                     R"("dst":"2001:db8::1")",
                                                     R"("dst":"1.2.3.4")",
                                                     "1",
                                                     "-1",
                                                     "1e9",
                                                     "null",
                                                     "true",
                                                     R"("\u0000\ud83d\ude00")",
                                                     R"("\\\"")",
                                                     "18446744073709551616",
                                                     "\xff",
                                                     " "};

void check_words(std::span<const std::uint8_t> bytes) {
  std::string json;
  for (const std::uint8_t byte : bytes) json += kWords[byte % kWords.size()];
  check_submission(json);
}

// The last two bytes say what is damaged, and how.
void check_damaged(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 3) return;
  const std::string text(bytes.begin(), bytes.end() - 2);
  const JournalHead head{JournalKind::kAccepted, 7, 3, 9, text.substr(0, 9)};
  auto record = encode_record(head, text);
  if (parse_text(record).value_or("") != text || parse_head(record)->name != head.name)
    std::abort();
  const std::size_t at = bytes[bytes.size() - 2] * record.size() / 256;
  record[at] ^= static_cast<std::byte>(bytes[bytes.size() - 1]);
  check_record(record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = std::span(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check_submission({reinterpret_cast<const char*>(rest.data()), rest.size()});
      break;
    case 1:
      check_words(rest);
      break;
    case 2:
      check_record(std::as_bytes(rest));
      break;
    default:
      check_damaged(rest);
  }
  return 0;
}
