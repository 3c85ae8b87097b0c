// The one place that knows which queues there are.
#include "queue/access.h"
#include "queue/file_access.h"
#include "queue/file_queue.h"
#include "queue/nats/nats_access.h"
#include "queue/nats/nats_queue.h"
#include "queue/vp_queue.h"

namespace backsight::queue {

Expected<std::unique_ptr<QueueAccess>> open_queue(const QueueAddress& address) {
  if (auto checked = check_address(address); !checked) return tl::unexpected(checked.error());
  if (address.is_broker()) return nats::open_access(address);
  return std::make_unique<FileAccess>(address.url);
}

Expected<std::unique_ptr<VpQueue>> open_vp_queue(const QueueAddress& address, const std::string& vp,
                                                 unsigned id) {
  if (auto checked = check_address(address); !checked) return tl::unexpected(checked.error());
  if (address.is_broker()) return nats::NatsQueue::open(address, vp, id);
  const auto layout = vp_layout(address.url, vp);
  if (!layout) return tl::unexpected(layout.error());
  auto claim = claim_vp(posix_file_system(), *layout, vp, id);
  if (!claim) return tl::unexpected(claim.error());
  auto queue = FileQueue::open(posix_file_system(), *layout, vp, LogOptions{});
  if (!queue) return tl::unexpected(queue.error());
  (*queue)->hold(std::move(*claim));
  return std::unique_ptr<VpQueue>(std::move(*queue));
}

}  // namespace backsight::queue
