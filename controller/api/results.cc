#include "controller/api/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "controller/json/path_json.h"
#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kNoPaths = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kPartBytes = std::size_t{64} << 10;  // of an answer, about
constexpr auto kHeartbeat = seconds(15);
// An event stream ends after this; its reader comes again with Last-Event-ID.
constexpr auto kLongestStream = std::chrono::hours(1);

ApiReply too_many() {
  return try_again(503, "busy", "too many ask for results at once", seconds(1));
}

// {"batch_id":..., ..., "revtrs":[...]}, made as it is sent.
class BatchStream final : public ApiStream {
 public:
  BatchStream(BatchProgress progress, std::shared_ptr<void> place)
      : progress_(std::move(progress)), place_(std::move(place)) {}

  std::optional<std::string> next(milliseconds) override {
    if (has_ended_) return std::nullopt;
    std::string part;
    if (at_ == 0) part = head();
    const std::size_t count = progress_.ended.size() + progress_.open.size();
    while (at_ < count && part.size() < kPartBytes) {
      if (at_ > 0) part += ',';
      append_item(part, at_++);
    }
    if (at_ == count) {
      part += "]}";
      has_ended_ = true;
    }
    return part;
  }

 private:
  [[nodiscard]] std::string head() const {
    std::string text;
    tasks::JsonText json(text);
    json.open('{');
    if (progress_.batch != 0) {  // else those of a label
      json.number("batch_id", progress_.batch);
      json.number("total", progress_.total);
      json.number("ended", progress_.ended.size());
      json.key("complete");
      json.boolean(progress_.is_complete);
    }
    json.key("revtrs");
    json.open('[');
    return text;
  }
  void append_item(std::string& part, std::size_t at) const {
    if (at < progress_.ended.size()) {
      part += progress_.ended[at].json;
      return;
    }
    tasks::JsonText json(part);
    json.open('{');
    const std::uint64_t id = progress_.open[at - progress_.ended.size()];
    const bool is_waiting = std::ranges::binary_search(progress_.waiting, id);
    json.text("status", is_waiting ? "WAITING" : "RUNNING");
    json.number("id", id);
    const auto waits = progress_.waiting_for.find(id);
    if (waits != progress_.waiting_for.end()) json.text("waiting_for", as_utf8(waits->second));
    json.close('}');
  }

  const BatchProgress progress_;
  const std::shared_ptr<void> place_;
  std::size_t at_ = 0;
  bool has_ended_ = false;
};

// Server-sent events (WHATWG HTML, section 9.2).
class EventStream final : public ApiStream {
 public:
  EventStream(const Service& service, std::uint64_t batch, std::size_t first)
      : service_(service), batch_(batch), seen_(first) {}

  std::optional<std::string> next(milliseconds patience) override {
    const auto now = Clock::now();
    if (has_ended_ || now >= ends_at_) return std::nullopt;
    if (std::exchange(is_first_, false)) return "retry: 1000\n\n";
    if (told_ == news_.ended.size() && !wait(patience)) {
      has_ended_ = true;
      return "event: end\ndata: {\"forgotten\":true}\n\n";
    }
    std::string text;
    while (told_ < news_.ended.size() && text.size() < kPartBytes) tell(text);
    if (told_ == news_.ended.size() && news_.is_complete) {
      text += fmt::format("event: end\ndata: {{\"batch_id\":{},\"total\":{},\"ended\":{}}}\n\n",
                          batch_, news_.total, seen_);
      has_ended_ = true;
    }
    if (text.empty() && news_.is_stopping) {
      text = ": the controller stops; what is open is measured after its next start, ask then\n\n";
      has_ended_ = true;
    }
    if (text.empty() && now >= heartbeat_at_) text = ":\n\n";
    if (!text.empty()) heartbeat_at_ = now + kHeartbeat;
    return text;
  }

 private:
  // False: the batch is forgotten.
  bool wait(milliseconds patience) {
    auto news = service_.wait_for_more(batch_, seen_, patience);
    if (!news) return false;
    news_ = std::move(*news);
    told_ = 0;
    return true;
  }
  void tell(std::string& text) {
    ++seen_;
    // One line: JSON escapes line ends.
    text += fmt::format("id: {}\nevent: revtr\ndata: {}\n\n", seen_,
                        fields_of(news_.ended[told_++].json));
  }

  const Service& service_;
  const std::uint64_t batch_;
  std::size_t seen_;      // ends, from the batch's first on
  BatchProgress news_;    // what was heard last
  std::size_t told_ = 0;  // of its ends
  const Clock::time_point ends_at_ = Clock::now() + kLongestStream;
  Clock::time_point heartbeat_at_ = Clock::now() + kHeartbeat;
  bool is_first_ = true;
  bool has_ended_ = false;
};

}  // namespace

tl::expected<BatchProgress, ApiReply> Results::look(std::uint64_t batch, std::size_t first,
                                                    const std::string& user) const {
  // Nobody else's paths are even read.
  auto progress = service_.progress(batch, kNoPaths);
  if (progress && progress->user == user && first != kNoPaths) {
    progress = service_.progress(batch, first);
  }
  if (!progress || progress->user != user) {
    return tl::unexpected(error_reply(
        404, "no_such_batch",
        fmt::format("no batch {} of yours; it was never accepted, or was forgotten since", batch)));
  }
  return std::move(*progress);
}

std::shared_ptr<void> Results::enter() const {
  if (++answers_ > kMaxAnswersAtOnce) {
    --answers_;
    return nullptr;
  }
  return {&answers_, [](std::atomic<int>* all) { --*all; }};
}

ApiReply Results::show(std::uint64_t batch, const std::string& user) const {
  auto place = enter();
  if (place == nullptr) return too_many();
  auto progress = look(batch, 0, user);
  if (!progress) return std::move(progress.error());
  ApiReply reply;
  reply.stream = std::make_unique<BatchStream>(std::move(*progress), std::move(place));
  return reply;
}

ApiReply Results::show_label(const std::string& label, std::size_t most,
                             const std::string& user) const {
  auto place = enter();
  if (place == nullptr) return too_many();
  BatchProgress found;
  found.ended = service_.with_label(user, label, most);
  found.total = found.ended.size();
  found.is_complete = true;
  ApiReply reply;
  reply.stream = std::make_unique<BatchStream>(std::move(found), std::move(place));
  return reply;
}

ApiReply Results::follow(std::uint64_t batch, std::size_t first, const std::string& user) const {
  auto progress = look(batch, kNoPaths, user);
  if (!progress) return std::move(progress.error());
  ApiReply reply{.content_type = "text/event-stream", .is_event_stream = true};
  reply.stream = std::make_unique<EventStream>(service_, batch, first);
  return reply;
}

ApiReply Results::cancel(std::uint64_t batch, const std::string& user) const {
  auto progress = look(batch, kNoPaths, user);
  if (!progress) return std::move(progress.error());
  if (const auto cancelled = service_.cancel(batch); !cancelled) {
    return try_again(503, "storage", cancelled.error(), seconds(10));
  }
  ApiReply reply;
  tasks::JsonText json(reply.body);
  json.open('{');
  json.number("batch_id", batch);
  json.key("cancelled");
  json.boolean(!progress->is_complete);
  json.close('}');
  return reply;
}

}  // namespace backsight::controller
