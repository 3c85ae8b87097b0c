"""What an Ethernet link carries at most."""

from __future__ import annotations

# On the wire, a frame of at least 60 bytes has 24 bytes more: frame check sequence 4, preamble and
# start delimiter 8, gap 12 (IEEE 802.3).
LEAST_FRAME = 60
OVERHEAD = 24
LINKS_GBPS = (10, 25, 40, 100)

# Frames without their frame check sequence.
FRAMES = (
    (60, "64 with its check sequence: the least, an echo request without payload"),
    (84, "ping with Record Route: Ethernet 14, IP 60, ICMP 8, 2 of payload"),
    (98, "ping with Record Route as sent here: Ethernet 14, IP 60, ICMP 8, 16 of payload"),
)


def line_rate_mpps(frame_bytes: int, link_gbps: float) -> float:
    return link_gbps * 1000 / (8 * (max(frame_bytes, LEAST_FRAME) + OVERHEAD))
