#include "queue/nats/vp/vp_presence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "queue/file/layout.h"
#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/consumer/claim.h"
#include "queue/nats/wire/commit_mark.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue::nats {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kVersion = "1";
constexpr auto kTell = 5s;
constexpr auto kTellAtMost = 1s;
// Standing by, and asking whether the other one is still there.
constexpr auto kAskAgain = 2s;
// After a broker came back: the other one has so long to come back too.
constexpr auto kAskOnANewConnection = 5s;
constexpr auto kDeaf = 2s;
// Ages are told at different moments: what is closer is no difference.
constexpr std::uint64_t kSameAgeMs = 1000;

std::uint64_t random_number() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

// Cuts the first word off.
std::string_view take_word(std::string_view& text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(std::min(blank + 1, text.size()));
  return word;
}

}  // namespace

std::string to_text(const VpTold& told) {
  return fmt::format("{} {:016x} {} {} {} {}", kVersion, told.instance, told.held_ms, told.vp,
                     told.id, told.who);
}

std::optional<VpTold> parse_vp_told(std::string_view text) {
  if (take_word(text) != kVersion) return std::nullopt;
  const auto instance = parse_number(take_word(text), 16);
  const auto held_ms = parse_number(take_word(text));
  std::string vp(take_word(text));
  const auto id = parse_number(take_word(text));
  if (!instance || !held_ms || !id || !check_vp_name(vp)) return std::nullopt;
  return VpTold{*instance, *held_ms, std::move(vp), *id, printable(text)};
}

bool gives_way(const VpTold& mine, const VpTold& others) noexcept {
  const bool is_held = mine.held_ms > 0;
  const bool is_held_there = others.held_ms > 0;
  if (is_held != is_held_there) return is_held_there;
  const auto [less, more] = std::minmax(mine.held_ms, others.held_ms);
  if (more - less > kSameAgeMs) return others.held_ms > mine.held_ms;
  return others.instance < mine.instance;
}

VpPresence::VpPresence(std::string vp, unsigned id)
    : vp_(std::move(vp)),
      id_(id),
      instance_(random_number()),
      subject_(vp_subject(vp_, fmt::to_string(id))) {}

VpTold VpPresence::self() const {
  std::uint64_t held_ms = 0;
  if (held_since_) {
    const auto held =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *held_since_);
    held_ms = static_cast<std::uint64_t>(held.count()) + 1;
  }
  return {instance_, held_ms, vp_, id_, this_process()};
}

Expected<void> VpPresence::connect(Connection& connection) {
  connection_ = &connection;
  if (!trouble_.empty()) {
    ask_at_ = Clock::now() + kAskOnANewConnection;
    return {};
  }
  return ask();
}

void VpPresence::disconnect() {
  of_name_.reset();
  of_id_.reset();
  connection_ = nullptr;
}

// Nobody is there, nobody answers in time, or somebody does.
Expected<void> VpPresence::ask() {
  natsMsg* got = nullptr;
  const natsStatus asked = natsConnection_RequestString(&got, connection_->get(), subject_.c_str(),
                                                        to_text(self()).c_str(), kAnswerMs);
  const Message answer(got);
  const bool is_alone = asked == NATS_NO_RESPONDERS || asked == NATS_TIMEOUT;
  if (asked != NATS_OK && !is_alone) return connection_->failure(subject_, asked);
  const auto other = is_alone ? std::nullopt : parse_vp_told(text_of(got));
  if (!other || other->instance == instance_ || !gives_way(self(), *other)) return begin();
  give_way(*other);
  return {};
}

Expected<void> VpPresence::begin() {
  trouble_.clear();
  if (!held_since_) held_since_ = Clock::now();
  auto of_name = connection_->subscribe(vp_subject(vp_, "*"));
  if (!of_name) return tl::unexpected(of_name.error());
  of_name_ = std::move(*of_name);
  has_name_echo_ = false;
  has_id_echo_ = id_ == 0;
  if (id_ != 0) {
    auto of_id = connection_->subscribe(vp_subject("*", fmt::to_string(id_)));
    if (!of_id) return tl::unexpected(of_id.error());
    of_id_ = std::move(*of_id);
  }
  deaf_at_ = Clock::now() + kDeaf;
  return announce();
}

Expected<void> VpPresence::announce() {
  told_at_ = Clock::now();
  tell_at_ = told_at_ + kTell;
  return connection_->publish(subject_, bytes_of(to_text(self())));
}

Expected<void> VpPresence::pump(std::vector<std::string>& complaints) {
  const auto now = Clock::now();
  if (!trouble_.empty()) {
    if (now < ask_at_) return {};
    ask_at_ = now + kAskAgain;
    return ask();
  }
  if (auto heard = read_announcements(of_name_, has_name_echo_); !heard) return heard;
  if (auto heard = read_announcements(of_id_, has_id_echo_); !heard) return heard;
  if (!is_held()) return {};
  complain_if_deaf(complaints);
  return now < tell_at_ ? Expected<void>() : announce();
}

Expected<void> VpPresence::read_announcements(Subscription& from, bool& has_echo) {
  while (from != nullptr) {
    const Message message = connection_->next_of(from.get(), 0ms);
    if (message == nullptr) break;
    const auto told = parse_vp_told(text_of(message.get()));
    if (!told) continue;
    if (told->instance == instance_) {
      has_echo = true;
      continue;
    }
    if (gives_way(self(), *told)) {
      give_way(*told);
      break;
    }
    const std::string reply(reply_of(message.get()));
    if (!reply.empty()) {
      if (auto answered = connection_->publish(reply, bytes_of(to_text(self()))); !answered) {
        return answered;
      }
    } else if (Clock::now() - told_at_ >= kTellAtMost) {
      if (auto answered = announce(); !answered) return answered;
    }
  }
  return {};
}

void VpPresence::give_way(const VpTold& other) {
  trouble_ = other.vp == vp_
                 ? fmt::format(
                       "{}: {} is vantage point {}; there can be one of a name: no tasks "
                       "are taken here until it is gone",
                       connection_->shown(), other.who, vp_)
                 : fmt::format(
                       "{}: {}, vantage point {}, has the id {} too; give each vantage "
                       "point an id of its own (\"id\" in its config): no tasks are taken "
                       "here until it is gone",
                       connection_->shown(), other.who, other.vp, id_);
  held_since_.reset();
  of_name_.reset();
  of_id_.reset();
  ask_at_ = Clock::now() + kAskAgain;
}

void VpPresence::complain_if_deaf(std::vector<std::string>& complaints) {
  if (is_deaf_told_ || (has_name_echo_ && has_id_echo_) || Clock::now() < deaf_at_) return;
  is_deaf_told_ = true;
  complaints.push_back(fmt::format(
      "{}: the server does not let us tell and hear {}: another vantage point of this name or id "
      "would not be noticed; its users.conf must allow that, for id {}",
      connection_->shown(), subject_, id_));
}

}  // namespace backsight::queue::nats
