// Whose announcements are believed: of all that stand on the queue, those that can be read and
// claim nothing that another one has. What is left out is told, and the others go on. Thread: one
// at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/now.h"
#include "controller/vantage/announcement.h"

namespace backsight::controller {

class RollCall {
 public:
  // What stands on the queue under a name: the text, empty when there is none yet, or why it
  // cannot be had.
  struct Read {
    std::string name;
    Expected<std::string> text;
  };
  // Returns those that are believed; old ones are of somebody who may be gone. Call it with all
  // that there are.
  [[nodiscard]] std::vector<Announcement> look(const std::vector<Read>& all, const Now& now);

  // What is odd, one sentence each, those that have not been told yet.
  [[nodiscard]] std::vector<std::string> take_complaints();
  // How many are left out now.
  [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }

 private:
  struct Known {
    std::uint64_t updated_at_ns = 0;  // as it said last
    bool was_read = false;
    SteadyNs changed_at = 0;  // when that changed last; 0: never yet
    bool is_alive = false;
    Announcement said;
    std::string fault;        // told
    std::string clock_fault;  // told
  };

  [[nodiscard]] std::optional<std::string> admit(Known& known, const Read& read, const Now& now);
  [[nodiscard]] std::optional<std::string> rival_of(const Known& self) const;
  void mind_clock(Known& known, const Now& now);

  std::map<std::string, Known> known_;  // by the name under which it stands
  std::vector<std::string> complaints_;
  std::size_t left_out_ = 0;
};

}  // namespace backsight::controller
