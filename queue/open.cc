// The one place that knows which queues there are.
#include "queue/client.h"
#include "queue/file/file_client.h"
#include "queue/file/file_queue.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/vp/nats_queue.h"
#include "queue/vp_queue.h"

namespace backsight::queue {

Expected<std::unique_ptr<QueueClient>> open_queue(const QueueAddress& address) {
  if (auto checked = check_address(address); !checked) return tl::unexpected(checked.error());
  if (address.is_broker()) return nats::open_client(address);
  return std::make_unique<FileClient>(address.url);
}

Expected<std::unique_ptr<VpQueue>> open_vp_queue(const QueueAddress& address, const std::string& vp,
                                                 unsigned id) {
  if (auto checked = check_address(address); !checked) return tl::unexpected(checked.error());
  if (address.is_broker()) return nats::NatsQueue::open(address, vp, id);
  const auto layout = vp_layout(address.url, vp);
  if (!layout) return tl::unexpected(layout.error());
  auto claim = claim_vp(storage::posix_file_system(), *layout, vp, id);
  if (!claim) return tl::unexpected(claim.error());
  auto queue = FileQueue::open(storage::posix_file_system(), *layout, vp, storage::LogOptions{});
  if (!queue) return tl::unexpected(queue.error());
  (*queue)->hold(std::move(*claim));
  return std::unique_ptr<VpQueue>(std::move(*queue));
}

}  // namespace backsight::queue
