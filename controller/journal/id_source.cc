#include "controller/journal/id_source.h"

#include <algorithm>

namespace backsight::controller {

Expected<IdSource> IdSource::open(storage::FileSystem& files, const std::string& directory,
                                  const std::string& name, std::uint64_t least) {
  if (auto made = files.make_directories(directory); !made) return tl::unexpected(made.error());
  auto bound = storage::DurableNumber::open(files, directory, name);
  if (!bound) return tl::unexpected(bound.error());
  const std::uint64_t next = std::max({bound->value(), least, std::uint64_t{1}});
  return IdSource(std::move(*bound), next);
}

Expected<std::uint64_t> IdSource::take(std::uint64_t count) {
  const std::uint64_t end = next_ + count;
  if (end > bound_.value()) {
    if (auto stored = bound_.store(end + kBlock); !stored) return tl::unexpected(stored.error());
  }
  const std::uint64_t first = next_;
  next_ = end;
  return first;
}

}  // namespace backsight::controller
