// Checks JSON against the part of OpenAPI's schemas that our description uses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace backsight::controller {

class SchemaCheck {
 public:
  explicit SchemaCheck(const nlohmann::json& document) : document_(document) {}

  // What is wrong, with its place; empty: nothing.
  [[nodiscard]] std::string fault(const nlohmann::json& schema, const nlohmann::json& value,
                                  const std::string& at = "$") const {
    if (schema.contains("$ref")) return fault(resolve(schema["$ref"]), value, at);
    if (value.is_null() && schema.value("nullable", false)) return {};
    const std::string type = schema.at("type");
    if (!is_of(type, value)) return at + " is no " + type + ": " + value.dump();
    if (schema.contains("enum") && !holds(schema["enum"], value)) {
      return at + " is none of its words: " + value.dump();
    }
    if (type == "object") return object_fault(schema, value, at);
    if (type == "array") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        const auto found = fault(schema.at("items"), value[i], at + "/" + std::to_string(i));
        if (!found.empty()) return found;
      }
    }
    return {};
  }

 private:
  static bool is_of(const std::string& type, const nlohmann::json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return type == "number" && value.is_number();
  }
  static bool holds(const nlohmann::json& list, const nlohmann::json& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }
  const nlohmann::json& resolve(const std::string& reference) const {
    return document_.at(nlohmann::json::json_pointer(reference.substr(1)));
  }
  std::string object_fault(const nlohmann::json& schema, const nlohmann::json& value,
                           const std::string& at) const {
    for (const auto& key : schema.value("required", nlohmann::json::array())) {
      if (!value.contains(key)) return at + " has no " + key.dump();
    }
    const auto properties = schema.value("properties", nlohmann::json::object());
    for (const auto& [key, member] : value.items()) {
      if (!properties.contains(key)) continue;
      const auto found = fault(properties[key], member, at + "/" + key);
      if (!found.empty()) return found;
    }
    return {};
  }

  const nlohmann::json& document_;
};

}  // namespace backsight::controller
