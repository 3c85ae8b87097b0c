// Measurements as the archive's tables hold them: the `raw` column of a row, in JSON (schema.h).
// Thread: any.
#pragma once

#include <string>

#include "controller/annotation/annotation.h"
#include "controller/archive/schema.h"
#include "controller/records.h"

namespace backsight::controller {

[[nodiscard]] inline Datatype datatype_of(const PingRecord&) noexcept { return Datatype::kPing; }
[[nodiscard]] inline Datatype datatype_of(const TraceRecord& record) noexcept {
  return record.is_atlas ? Datatype::kTraceAtlas : Datatype::kTrace;
}
[[nodiscard]] inline Datatype datatype_of(const RankedSpoofersRecord&) noexcept {
  return Datatype::kRankedSpoofers;
}

void append_raw(std::string& out, const PingRecord& record, const Annotation& annotation);
void append_raw(std::string& out, const TraceRecord& record, const Annotation& annotation);
void append_raw(std::string& out, const RankedSpoofersRecord& record, const Annotation& annotation);

}  // namespace backsight::controller
