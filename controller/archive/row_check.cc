#include "controller/archive/row_check.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>

namespace backsight::controller {

namespace {

using simdjson::dom::element;

std::string fault_of(const Field& field, element value);

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  std::array<unsigned, 3> numbers{};
  std::size_t at = 0;
  for (const char c : text) {
    if (c == '-') {
      ++at;
    } else if (c < '0' || c > '9' || at > 2) {
      return false;
    } else {
      numbers[at] = numbers[at] * 10 + static_cast<unsigned>(c - '0');
    }
  }
  using namespace std::chrono;
  return at == 2 &&
         year_month_day{year(static_cast<int>(numbers[0])), month(numbers[1]), day(numbers[2])}
             .ok();
}

// What is wrong with a member, by the path to it; or nothing.
std::string within(const Field& field, const std::string& fault) {
  return fault.empty() ? fault : fmt::format("{}.{}", field.name, fault);
}

std::string fault_of_members(std::span<const Field> fields, simdjson::dom::object record) {
  for (const simdjson::dom::key_value_pair member : record) {
    const Field* known = nullptr;
    for (const Field& field : fields) {
      if (field.name == member.key) known = &field;
    }
    if (known == nullptr) {
      return fmt::format("{} is no field of the schema", member.key.substr(0, 60));
    }
    if (std::string fault = fault_of(*known, member.value); !fault.empty()) return fault;
  }
  return "";
}

bool has_type(FieldType type, element value) {
  switch (type) {
    case FieldType::kString:
      return value.is_string();
    case FieldType::kInteger:
      return value.is_int64();
    case FieldType::kFloat:
      return value.is_number();
    case FieldType::kBoolean:
      return value.is_bool();
    case FieldType::kDate:
      return value.is_string() && is_date(value.get_string().value_unsafe());
    case FieldType::kRecord:
      return value.is_object();
  }
  return false;
}

std::string fault_of_one(const Field& field, element value) {
  if (!has_type(field.type, value)) return fmt::format("{} is of another type", field.name);
  if (field.type != FieldType::kRecord) return "";
  return within(field, fault_of_members(field.fields, value.get_object().value_unsafe()));
}

std::string fault_of(const Field& field, element value) {
  if (!field.is_repeated) return value.is_null() ? "" : fault_of_one(field, value);
  simdjson::dom::array list;
  if (value.get(list)) return fmt::format("{} is not a list", field.name);
  for (const element one : list) {
    if (std::string fault = fault_of_one(field, one); !fault.empty()) return fault;
  }
  return "";
}

}  // namespace

RowCheck::RowCheck(Datatype datatype)
    : datatype_(datatype), parser_(std::make_unique<simdjson::dom::parser>()) {}
RowCheck::~RowCheck() = default;
RowCheck::RowCheck(RowCheck&&) noexcept = default;

std::string RowCheck::fault(std::string_view row) {
  element document;
  if (const auto error = parser_->parse(row.data(), row.size()).get(document)) {
    return fmt::format("is no JSON: {}", simdjson::error_message(error));
  }
  simdjson::dom::object columns;
  if (document.get(columns)) return "is not an object";
  element date;
  if (columns.at_key("date").get(date) || date.is_null()) return "date is not there";
  return fault_of_members(schema_of(datatype_), columns);
}

}  // namespace backsight::controller
