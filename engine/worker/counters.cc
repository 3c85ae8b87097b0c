#include "engine/worker/counters.h"

namespace backsight::engine {

std::string_view name(RxOutcome outcome) noexcept {
  switch (outcome) {
    case RxOutcome::kMatched:
      return "matched";
    case RxOutcome::kLate:
      return "late";
    case RxOutcome::kDuplicate:
      return "duplicate";
    case RxOutcome::kObserved:
      return "observed";
    case RxOutcome::kObservedAgain:
      return "observed_again";
    case RxOutcome::kForeign:
      return "foreign";
    case RxOutcome::kBadTag:
      return "bad_tag";
    case RxOutcome::kMismatch:
      return "mismatch";
    case RxOutcome::kRedirect:
      return "redirect";
    case RxOutcome::kNotForUs:
      return "not_for_us";
    case RxOutcome::kOwnFrame:
      return "own_frame";
    case RxOutcome::kHandoverFull:
      return "handover_full";
    case RxOutcome::kCount:
      break;
  }
  return "unknown";
}

std::string_view name(Stage stage) noexcept {
  switch (stage) {
    case Stage::kReceive:
      return "receive";
    case Stage::kMatch:
      return "match";
    case Stage::kExpire:
      return "expire";
    case Stage::kChoose:
      return "choose";
    case Stage::kCraft:
      return "craft";
    case Stage::kTransmit:
      return "transmit";
    case Stage::kCount:
      break;
  }
  return "unknown";
}

}  // namespace backsight::engine
