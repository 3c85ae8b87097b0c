// What a broker may hand us: bodies of tasks and results, marks, words of other
// vantage points, answers, a book on disk, seeds.
#include <cstdint>
#include <span>
#include <string>

#include "invariants.h"
#include "queue/nats/broker/nkey.h"
#include "queue/nats/consumer/commit_book.h"
#include "queue/nats/vp/vp_presence.h"
#include "queue/nats/wire/commit_mark.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/puback.h"
#include "tasks/codec/codec.h"

using namespace backsight::queue;
using backsight::fuzz::require;

namespace {

void read_body(std::span<const std::byte> body) {
  const auto envelope = nats::read_message(body);
  if (!envelope) return;
  require(envelope->after <= envelope->record.position, "after lies behind");
  require(!envelope->record.payload.empty(), "no payload");
  (void)backsight::tasks::decode_results(envelope->record.payload);
  (void)backsight::tasks::decode_result_head(envelope->record.payload);
  (void)backsight::tasks::decode_tasks(envelope->record.payload);
  (void)backsight::tasks::is_of_newer_schema(envelope->record.payload);
}

// The same with the checksums made right, so that what is behind them is reached.
void read_wrapped(std::span<const std::byte> payload) {
  if (payload.empty()) return;
  std::vector<std::byte> body;
  nats::write_message(1, {1, 1, payload}, body);
  require(nats::read_message(body).has_value(), "what we wrote is refused");
  read_body(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_body(bytes);
  read_wrapped(bytes);
  if (const auto mark = nats::parse_commit_mark(text)) {
    require(nats::parse_commit_mark(nats::to_text(*mark)) == mark, "another mark");
  }
  if (const auto told = nats::parse_vp_told(text)) {
    require(nats::parse_vp_told(nats::to_text(*told)).has_value(), "what we tell is refused");
  }
  (void)nats::api_error(text);
  const auto ack = nats::parse_pub_ack(text);
  require(ack.is_stored == ack.why.empty(), "an answer without a reason");
  if (const auto logs = nats::parse_commit_book(text)) {
    require(nats::parse_commit_book(nats::to_text(*logs)).has_value(), "our book is refused");
  }
  (void)nats::public_key_of(text);
  return 0;
}
