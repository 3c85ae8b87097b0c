// A template for each shape of probe, prepared once.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "probes/crafting/template.h"

namespace backsight::probes {

// Thread: immutable after construction.
class Templates {
 public:
  // What does not go with the shape's kind counts for nothing.
  [[nodiscard]] const Template& of(const Shape& shape) const noexcept {
    return all_[shape_index(shape)];
  }

 private:
  template <std::size_t... kIndex>
  static std::array<Template, kShapeCount> prepare(std::index_sequence<kIndex...> /*all*/) {
    return {Template(kShapes[kIndex])...};
  }

  std::array<Template, kShapeCount> all_ = prepare(std::make_index_sequence<kShapeCount>());
};

}  // namespace backsight::probes
