// Whether a row of the archive is what its schema says, as BigQuery would load it.
// Thread: one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "controller/archive/schema.h"

namespace simdjson::dom {
class parser;
}

namespace backsight::controller {

class RowCheck {
 public:
  explicit RowCheck(Datatype datatype);
  ~RowCheck();
  RowCheck(RowCheck&&) noexcept;

  // Returns what is wrong with the row, with the field's name, or nothing. A field that is not
  // there is null; one that the schema does not know is wrong, and so is a row without a date.
  [[nodiscard]] std::string fault(std::string_view row);

 private:
  Datatype datatype_;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

}  // namespace backsight::controller
