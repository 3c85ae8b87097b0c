// What is known of addresses: what a hop is shown and archived with.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "controller/annotation/locations.h"
#include "controller/annotation/prefix_table.h"

namespace backsight::controller {

struct Annotation {
  std::shared_ptr<const PrefixTable> prefixes;  // none: prefix and AS are not known
  std::shared_ptr<const Locations> locations;   // none: places are not known
};

// The annotation in force. Who has taken it uses it on when another comes.
// Thread: any.
class CurrentAnnotation {
 public:
  explicit CurrentAnnotation(Annotation first) : annotation_(std::move(first)) {}

  [[nodiscard]] Annotation get() const {
    const std::lock_guard lock(mutex_);
    return annotation_;
  }
  void set(Annotation annotation) {
    const std::lock_guard lock(mutex_);
    annotation_ = std::move(annotation);
  }

 private:
  mutable std::mutex mutex_;
  Annotation annotation_;
};

}  // namespace backsight::controller
