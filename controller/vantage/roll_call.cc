#include "controller/vantage/roll_call.h"

#include <fmt/format.h>

#include <utility>

namespace backsight::controller {

namespace {

// One that announces nothing new for so long is not there, and what it had another one may have.
constexpr SteadyNs kAliveFor = 10 * kSecond;
// A clock that is further off is told; times in the archive are those of the vantage point.
constexpr std::uint64_t kClockOffUs = 60'000'000;
// What was written so lately by our clock is of somebody alive; all else must change first.
constexpr std::uint64_t kFreshUs = 5'000'000;

std::uint64_t distance_us(const Announcement& said, const Now& now) {
  const std::uint64_t theirs = said.updated_at_ns / 1000;
  return theirs > now.unix_us ? theirs - now.unix_us : now.unix_us - theirs;
}

}  // namespace

std::vector<std::string> RollCall::take_complaints() { return std::exchange(complaints_, {}); }

// Another one that is alive and has its id or its address.
std::optional<std::string> RollCall::rival_of(const Known& self) const {
  for (const auto& [name, other] : known_) {
    if (&other == &self || !other.is_alive) continue;
    if (other.said.number == self.said.number) {
      return fmt::format(
          "it has the id {} of {}: it is left out; give each vantage point an id of "
          "its own",
          self.said.number, name);
    }
    if (other.said.address == self.said.address) {
      return fmt::format("it has the address {} of {}: it is left out",
                         probes::to_string(self.said.address), name);
    }
  }
  return std::nullopt;
}

void RollCall::mind_clock(Known& known, const Now& now) {
  std::string fault;
  if (distance_us(known.said, now) > kClockOffUs) {
    fault = fmt::format("its clock is {} ours by more than a minute; times in the archive are its",
                        known.said.updated_at_ns / 1000 > now.unix_us ? "ahead of" : "behind");
  }
  if (!fault.empty() && fault != known.clock_fault) {
    complaints_.push_back(fmt::format("{}: {}", known.said.name, fault));
  }
  known.clock_fault = std::move(fault);
}

// Returns why it is left out.
std::optional<std::string> RollCall::admit(Known& known, const Read& read, const Now& now) {
  const auto odd = [](std::string_view what) {
    return fmt::format("what it announces is left out: {}", what);
  };
  if (!read.text) return odd(read.text.error().sentence);
  auto said = parse_announcement(*read.text);
  if (!said) return odd(said.error());
  if (said->name != read.name) {
    return odd(fmt::format("it is of {}, and there can be one of a name", said->name));
  }
  const bool was_read = std::exchange(known.was_read, true);
  const bool has_changed =
      std::exchange(known.updated_at_ns, said->updated_at_ns) != said->updated_at_ns;
  if (was_read ? has_changed : distance_us(*said, now) < kFreshUs) known.changed_at = now.steady;
  known.is_alive = known.changed_at != 0 && now.steady - known.changed_at <= kAliveFor;
  known.said = std::move(*said);
  known.said.is_old = !known.is_alive;
  if (auto rival = rival_of(known)) return rival;
  if (known.is_alive) mind_clock(known, now);
  return std::nullopt;
}

std::vector<Announcement> RollCall::look(const std::vector<Read>& all, const Now& now) {
  std::vector<Announcement> heard;
  left_out_ = 0;
  for (const Read& it : all) {
    if (it.text && it.text->empty()) continue;
    Known& known = known_[it.name];
    auto fault = admit(known, it, now);
    if (!fault) heard.push_back(known.said);
    // Who is gone, and left what another one has now, is of no interest.
    if (fault && known.said.is_old && rival_of(known)) fault.reset();
    if (fault) {
      known.is_alive = false;
      ++left_out_;
      if (*fault != known.fault) complaints_.push_back(fmt::format("{}: {}", it.name, *fault));
    }
    known.fault = fault.value_or("");
  }
  return heard;
}

}  // namespace backsight::controller
