#include "controller/api/submissions.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using Why = RequestFault::Why;
using std::chrono::seconds;

// How long until it is worth to ask again.
constexpr seconds kForRoom{5};
constexpr seconds kForReadiness{10};
constexpr std::uint64_t kDayUs = std::uint64_t{86'400} * 1'000'000;

// How each fault is told.
struct Telling {
  int status;
  std::string_view code;
  seconds after;  // zero: asking again does not help
};
Telling telling_of(Why why) {
  switch (why) {
    case Why::kForm:
      return {400, "bad_request", {}};
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

ApiReply reply_for(const SubmissionFault& fault) {
  return fault.kind == SubmissionFault::Kind::kTooMany
             ? error_reply(413, "too_many_requests", fault.sentence)
             : error_reply(400, "bad_body", fault.sentence);
}

std::vector<ItemSentence> sentences_of(const RequestFaults& faults) {
  std::vector<ItemSentence> items;
  for (const RequestFault& fault : faults) items.push_back({fault.item, fault.sentence});
  return items;
}

// Nothing was accepted.
ApiReply reply_for(const RequestFaults& faults) {
  // "3 faults; request 0: ..."
  std::string sentence = fmt::format("request {}: {}", faults[0].item, faults[0].sentence);
  if (faults.size() > 1) sentence = fmt::format("{} faults; {}", faults.size(), sentence);
  // What the user can mend is told before what time mends.
  const auto worst = std::ranges::min_element(
      faults, {}, [](const RequestFault& fault) { return telling_of(fault.why).status; });
  const Telling telling = telling_of(worst->why);
  ApiReply reply = error_reply(telling.status, telling.code, sentence, sentences_of(faults));
  if (telling.after > seconds(0)) {
    reply.headers.emplace_back("Retry-After", std::to_string(telling.after.count()));
  }
  return reply;
}

// Whatever is asked for: it has no room now.
bool is_of_the_service(const RequestFault& fault) {
  return fault.why == Why::kBusy || fault.why == Why::kStorage;
}

// Those of both, by item, as many as are told.
RequestFaults joined(RequestFaults faults, const RequestFaults& more) {
  faults.insert(faults.end(), more.begin(), more.end());
  std::ranges::stable_sort(faults, {}, &RequestFault::item);
  if (faults.size() > kMaxToldFaults) faults.resize(kMaxToldFaults);
  return faults;
}

// Where the batch can be asked for, as the asker sees us.
std::string uri_of(const ApiRequest& request, std::uint64_t batch) {
  const std::string path = fmt::format("/api/v1/revtr?batchid={}", batch);
  if (request.host.empty()) return path;
  const char* const scheme = request.forwarded_proto == "https" ? "https" : "http";
  return fmt::format("{}://{}{}", scheme, request.host, path);
}

ApiReply accepted(const ApiRequest& request, std::uint64_t batch, std::size_t count,
                  const RequestFaults& refused, const std::vector<std::string>& ignored) {
  ApiReply reply;
  tasks::JsonText json(reply.body);
  json.open('{');
  json.text("result_uri", uri_of(request, batch));
  json.number("batch_id", batch);
  json.number("accepted", count);
  if (!refused.empty()) append_items(json, "refused", sentences_of(refused));
  if (!ignored.empty()) {
    json.key("ignored");
    json.open('[');
    for (const std::string& key : ignored) json.text(as_utf8(key));
    json.close(']');
  }
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
                                               RequestFaults& faults) const {
  const std::vector<SourceInfo> sources = service_.sources();
  std::vector<Request> requests;
  requests.reserve(written.size());
  for (WrittenRequest& one : written) {
    Request& request = requests.emplace_back(std::move(one.request));
    request.user = user;
    if (!request.refused.empty()) continue;
    const auto named = std::ranges::find(sources, one.src, &SourceInfo::name);
    if (named != sources.end()) {
      request.src = named->address;
    } else if (const auto address = probes::parse_ipv4(one.src)) {
      request.src = *address;  // whether it is a source the service knows
    } else {
      request.refused = fmt::format(
          "src is no source that is known here; GET /api/v1/sources names the {} there are",
          sources.size());
      faults.push_back({requests.size() - 1, Why::kUnknownSource, request.refused});
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
  RequestFaults faults = std::move(written->faults);
  RequestFaults unknown;
  std::vector<Request> requests = name_sources(std::move(written->requests), user.name, unknown);
  faults = joined(std::move(faults), unknown);
  const auto wanted = static_cast<std::size_t>(
      std::ranges::count_if(requests, [](const Request& it) { return it.refused.empty(); }));
  if (wanted == 0) return reply_for(faults);
  if (auto refused = over_quota(user, wanted)) return std::move(*refused);
  const Place place(*this, user.name, wanted);
  const std::size_t all = requests.size();
  const auto batch = service_.submit(std::move(requests));
  if (!batch) {
    const RequestFaults& its = batch.error();
    const bool is_of_each = its.size() == wanted && std::ranges::none_of(its, is_of_the_service);
    return reply_for(is_of_each ? joined(std::move(faults), its) : its);
  }
  const std::size_t refused = all - wanted + batch->refused.size();
  return accepted(request, batch->batch, all - refused, joined(std::move(faults), batch->refused),
                  written->ignored);
}

}  // namespace backsight::controller
