#include "controller/api/submissions.h"

#include <fmt/format.h>

#include <algorithm>

#include "queue/json_text.h"

namespace backsight::controller {

namespace {

using Why = RequestFault::Why;
using std::chrono::seconds;

// How long until it is worth to ask again.
constexpr seconds kForRoom{5};
constexpr seconds kForReadiness{10};
constexpr std::uint64_t kDayUs = std::uint64_t{86'400} * 1'000'000;

// What all faults together are said to be: "3 faults; request 0: ...".
std::string summary(const std::vector<ItemSentence>& items) {
  const std::string first = fmt::format("request {}: {}", items[0].item, items[0].sentence);
  return items.size() == 1 ? first : fmt::format("{} faults; {}", items.size(), first);
}

ApiReply reply_for(const SubmissionFaults& faults) {
  using Kind = SubmissionFault::Kind;
  const SubmissionFault& first = faults.front();
  if (first.kind == Kind::kTooMany) return error_reply(413, "too_many_requests", first.sentence);
  if (first.item == SubmissionFault::kWhole) return error_reply(400, "bad_body", first.sentence);
  std::vector<ItemSentence> items;
  for (const SubmissionFault& fault : faults) items.push_back({fault.item, fault.sentence});
  const bool is_understood = std::ranges::all_of(
      faults, [](const SubmissionFault& fault) { return fault.kind == Kind::kDestination; });
  return is_understood ? error_reply(422, "impossible_destination", summary(items), items)
                       : error_reply(400, "bad_request", summary(items), items);
}

// How each fault of the service is told.
struct Telling {
  int status;
  std::string_view code;
  seconds after;  // zero: asking again does not help
};
Telling telling_of(Why why) {
  switch (why) {
    case Why::kUnknownSource:
      return {400, "unknown_source", {}};
    case Why::kBadDestination:
      return {422, "impossible_destination", {}};
    case Why::kNotReady:
      return {503, "not_ready", kForReadiness};
    case Why::kBusy:
      return {503, "busy", kForRoom};
    case Why::kStorage:
      break;
  }
  return {503, "storage", kForReadiness};
}

ApiReply reply_for(const std::vector<RequestFault>& faults) {
  std::vector<ItemSentence> items;
  for (const RequestFault& fault : faults) items.push_back({fault.item, fault.sentence});
  // What the user can mend is told before what time mends.
  const auto worst = std::ranges::min_element(
      faults, {}, [](const RequestFault& fault) { return telling_of(fault.why).status; });
  const Telling telling = telling_of(worst->why);
  ApiReply reply = error_reply(telling.status, telling.code, summary(items), items);
  if (telling.after > seconds(0)) {
    reply.headers.emplace_back("Retry-After", std::to_string(telling.after.count()));
  }
  return reply;
}

// Where the batch can be asked for, as the asker sees us.
std::string uri_of(const ApiRequest& request, std::uint64_t batch) {
  const std::string path = fmt::format("/api/v1/revtr?batchid={}", batch);
  if (request.host.empty()) return path;
  const char* const scheme = request.forwarded_proto == "https" ? "https" : "http";
  return fmt::format("{}://{}{}", scheme, request.host, path);
}

ApiReply accepted(const ApiRequest& request, std::uint64_t batch, std::size_t count) {
  ApiReply reply;
  queue::JsonText json(reply.body);
  json.open('{');
  json.text("result_uri", uri_of(request, batch));
  json.number("batch_id", batch);
  json.number("accepted", count);
  json.close('}');
  return reply;
}

}  // namespace

// Counts requests as the user's until the service does.
class Submissions::Place {
 public:
  Place(Submissions& of, const std::string& user, std::size_t count)
      : of_(of), user_(user), count_(count) {}
  ~Place() {
    const std::lock_guard lock(of_.mutex_);
    if ((of_.coming_[user_] -= count_) == 0) of_.coming_.erase(user_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Submissions& of_;
  const std::string& user_;
  const std::size_t count_;
};

std::vector<Request> Submissions::name_sources(std::vector<WrittenRequest> written,
                                               const std::string& user,
                                               std::vector<ItemSentence>& faults) const {
  const std::vector<SourceInfo> sources = service_.sources();
  std::vector<Request> requests;
  requests.reserve(written.size());
  for (WrittenRequest& one : written) {
    Request& request = requests.emplace_back(std::move(one.request));
    request.user = user;
    const auto named = std::ranges::find(sources, one.src, &SourceInfo::name);
    if (named != sources.end()) {
      request.src = named->address;
    } else if (const auto address = probes::parse_ipv4(one.src)) {
      request.src = *address;  // whether it is a source the service knows
    } else if (faults.size() < kMaxToldFaults) {
      faults.push_back({requests.size() - 1,
                        fmt::format("src is no source that is known here; GET /api/v1/sources "
                                    "names the {} there are",
                                    sources.size())});
    }
  }
  return requests;
}

std::optional<ApiReply> Submissions::over_quota(const config::ApiUser& user, std::size_t more) {
  const Service::Usage usage = service_.usage(user.name);
  const std::lock_guard lock(mutex_);
  const auto found = coming_.find(user.name);
  const std::uint64_t coming = found == coming_.end() ? 0 : found->second;
  const std::uint64_t parallel = usage.under_way + coming;
  if (user.max_parallel_revtr != 0 && parallel + more > user.max_parallel_revtr) {
    return try_again(
        429, "too_many_under_way",
        fmt::format("{} of your reverse traceroutes are under way and {} more are asked for; {} "
                    "may be (max_parallel_revtr)",
                    parallel, more, user.max_parallel_revtr),
        kForRoom);
  }
  const std::uint64_t today = usage.today + coming;
  if (user.max_revtr_per_day != 0 && today + more > user.max_revtr_per_day) {
    const std::uint64_t left_us = kDayUs - now_us_() % kDayUs;
    return try_again(
        429, "too_many_today",
        fmt::format("{} of your reverse traceroutes were accepted today (UTC) and {} more are "
                    "asked for; {} may be (max_revtr_per_day)",
                    today, more, user.max_revtr_per_day),
        seconds(left_us / 1'000'000 + 1));
  }
  coming_[user.name] += more;
  return std::nullopt;
}

ApiReply Submissions::submit(const ApiRequest& request, const config::ApiUser& user) {
  auto written = parse_submission(request.body, max_batch_);
  if (!written) return reply_for(written.error());
  std::vector<ItemSentence> unknown;
  std::vector<Request> requests = name_sources(std::move(*written), user.name, unknown);
  if (!unknown.empty()) return error_reply(400, "unknown_source", summary(unknown), unknown);
  const std::size_t count = requests.size();
  if (auto refused = over_quota(user, count)) return std::move(*refused);
  const Place place(*this, user.name, count);
  const auto batch = service_.submit(std::move(requests));
  if (!batch) return reply_for(batch.error());
  return accepted(request, *batch, count);
}

}  // namespace backsight::controller
