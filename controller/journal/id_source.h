// Numbers that are never given out twice, across restarts and after damage: each start begins where
// no earlier one can have come to.
#pragma once

#include <cstdint>
#include <string>

#include "config/error.h"
#include "storage/durable_number.h"

namespace backsight::controller {

// Thread: one at a time.
class IdSource {
 public:
  // `name` is the file in `directory` that says up to where numbers may have been given out. None
  // below `least` is given out.
  [[nodiscard]] static Expected<IdSource> open(storage::FileSystem& files,
                                               const std::string& directory,
                                               const std::string& name, std::uint64_t least = 1);

  // Returns the first of `count` numbers in a row. Waits for the disk once in kBlock numbers.
  [[nodiscard]] Expected<std::uint64_t> take(std::uint64_t count = 1);

  // The next number: nobody has it, nor will an earlier process have given it out.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

  static constexpr std::uint64_t kBlock = 65'536;  // numbers that a restart passes over at the most

 private:
  IdSource(storage::DurableNumber bound, std::uint64_t next)
      : bound_(std::move(bound)), next_(next) {}

  storage::DurableNumber bound_;  // numbers below may have been given out
  std::uint64_t next_;
};

}  // namespace backsight::controller
