#include "golden.h"

namespace backsight::testing {

probes::ProbeFields golden_fields(const probes::Shape& shape) {
  probes::ProbeFields fields;
  fields.src = ip("192.0.2.1");
  fields.dst = ip("203.0.113.2");
  fields.ip_id = 0x1234;
  fields.flow = kGoldenFlow;
  fields.handle = kGoldenHandle;
  fields.identity.id = kGoldenId;
  fields.identity.tag = probes::make_tag(kGoldenKey, {.id = kGoldenId,
                                                      .src = fields.src,
                                                      .dst = fields.dst,
                                                      .handle = fields.handle,
                                                      .kind = shape.kind,
                                                      .is_spoofed = false});
  static const std::array<probes::Ipv4Addr, probes::kMaxTimestampAddresses> kAsked = {
      ip("198.51.100.1"), ip("203.0.113.2")};
  fields.prespecified = kAsked;
  return fields;
}

Packet craft(const probes::Shape& shape, const probes::ProbeFields& fields) {
  const probes::Template prepared(shape);
  Packet probe(prepared.size());
  static_cast<void>(prepared.craft(fields, probe.data()));
  return probe;
}

Packet make_golden_probe(const probes::Shape& shape) { return craft(shape, golden_fields(shape)); }

}  // namespace backsight::testing
