#include "queue/nats/broker/dead_letter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "queue/nats/broker/pull.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue::nats {

namespace {

constexpr std::size_t kMaxShown = 80;
constexpr std::size_t kHeaderRoom = 4096;
constexpr std::string_view kNotNow = R"(-NAK {"delay":60000000000})";

// Puts the message aside for `vp`, and off its work queue. Returns the sentence to tell.
Expected<std::string> put_aside(Connection& connection, const std::string& vp, natsMsg* message,
                                std::string_view reason) {
  const std::string subject = printable(natsMsg_GetSubject(message));
  const std::string why = printable(reason);
  auto body = body_of(message);
  const std::size_t most = connection.max_payload();
  if (body.size() + kHeaderRoom > most)
    body = body.first(most > kHeaderRoom ? most - kHeaderRoom : 0);
  const std::array<Connection::Header, 2> headers{
      {{kReasonHeader, why}, {kSubjectHeader, subject}}};
  if (auto kept = connection.publish(dead_subject(vp), body, headers); !kept) {
    return tl::unexpected(kept.error());
  }
  const std::string reply(reply_of(message));
  if (!reply.empty()) {
    if (auto ended = connection.publish(reply, bytes_of(kTerminate)); !ended) {
      return tl::unexpected(ended.error());
    }
  }
  return fmt::format("{}: a message of {} bytes is put aside on {}: {}", subject,
                     body_of(message).size(), dead_subject(vp), why);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kMaxShown));
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown;
}

Expected<void> DeadLetters::refuse(Connection& connection, natsMsg* message,
                                   std::string_view reason, std::vector<std::string>& complaints) {
  auto told = put_aside(connection, vp_, message, reason);
  if (!told) return tl::unexpected(told.error());
  ++count_;
  complaints.push_back(std::move(*told));
  return {};
}

Expected<void> DeadLetters::leave(Connection& connection, natsMsg* message,
                                  std::vector<std::string>& complaints) {
  if (!is_newer_told_) {
    complaints.push_back(fmt::format(
        "{}: {} of a newer version wait at the broker; upgrade this program", subject_, what_));
  }
  is_newer_told_ = true;
  return connection.publish(std::string(reply_of(message)), bytes_of(kNotNow));
}

}  // namespace backsight::queue::nats
