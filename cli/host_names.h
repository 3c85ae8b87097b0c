// Names of addresses by reverse DNS, all at once and with little patience.
// Thread: one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace backsight::cli {

class HostNames {
 public:
  HostNames();

  // Returns what is known of all addresses so far, after it has waited for those of `addresses`,
  // two seconds at the most. Where nobody answers twice in a row, nobody is asked any more.
  [[nodiscard]] std::map<std::string, std::string> of(const std::vector<std::string>& addresses);

 private:
  struct Shared;  // with those who ask, who may outlive this
  std::shared_ptr<Shared> shared_;
  int failures_ = 0;
};

}  // namespace backsight::cli
