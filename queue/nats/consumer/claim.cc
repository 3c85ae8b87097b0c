#include "queue/nats/consumer/claim.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/wire/subjects.h"

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

}  // namespace

std::string this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

Expected<Subscription> claim_results(Connection& connection, const std::string& vp,
                                     bool& is_taken) {
  const std::string subject = presence_subject(vp);
  natsMsg* got = nullptr;
  const natsStatus asked = natsConnection_RequestString(&got, connection.get(), subject.c_str(),
                                                        "who consumes?", kAnswerMs);
  const Message other(got);
  is_taken = asked == NATS_OK;
  if (is_taken) {
    return run_failed(fmt::format("{}: {} consumes the results of {}; there can be one only",
                                  connection.shown(), printable(text_of(got)), vp));
  }
  if (asked != NATS_NO_RESPONDERS && asked != NATS_TIMEOUT) {
    return connection.failure(subject, asked);
  }
  // Never freed: an answer may be under way at any time.
  static const std::string* const name = new std::string(this_process());
  return connection.subscribe(subject, answer, name);
}

}  // namespace backsight::queue::nats
