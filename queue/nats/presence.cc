#include "queue/nats/presence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "queue/nats/dead_letter.h"
#include "queue/nats/subjects.h"

namespace backsight::queue::nats {

namespace {

// In a thread of the library's.
void answer(natsConnection* connection, natsSubscription*, natsMsg* message, void* name) {
  const Message asked(message);
  const char* reply = natsMsg_GetReply(message);
  if (reply != nullptr) {
    natsConnection_PublishString(connection, reply, static_cast<const std::string*>(name)->c_str());
  }
}

void forget_name(void* name) { delete static_cast<std::string*>(name); }

}  // namespace

std::string this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

Expected<Subscription> claim_results(Connection& connection, const std::string& vp) {
  const std::string subject = presence_subject(vp);
  natsMsg* got = nullptr;
  const natsStatus asked = natsConnection_RequestString(&got, connection.get(), subject.c_str(),
                                                        "who consumes?", kAnswerMs);
  const Message other(got);
  if (asked == NATS_OK) {
    return run_failed(fmt::format("{}: {} consumes the results of {}; there can be one only",
                                  connection.shown(), printable(text_of(got)), vp));
  }
  if (asked != NATS_NO_RESPONDERS && asked != NATS_TIMEOUT) {
    return connection.failure(subject, asked);
  }
  auto name = std::make_unique<std::string>(this_process());
  natsSubscription* made = nullptr;
  const natsStatus status =
      natsConnection_Subscribe(&made, connection.get(), subject.c_str(), answer, name.get());
  Subscription subscription(made);
  if (status != NATS_OK) return connection.failure(subject, status);
  // Given up only when no answer can be under way any more.
  if (natsSubscription_SetOnCompleteCB(made, forget_name, name.get()) == NATS_OK) {
    static_cast<void>(name.release());
  }
  return subscription;
}

}  // namespace backsight::queue::nats
