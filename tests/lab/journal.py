"""The controller's journal, read by its description (controller/journal/journal_record.h)."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Iterator

SEGMENT_HEADER = 24
RECORD_HEADER = struct.Struct("<IIQII")  # CRC, bytes of payload, position, items, zero
HEAD = struct.Struct("<cBHIQQQ")  # kind, form, bytes of name and text, batch, number, time


def payloads(segment: Path) -> Iterator[bytes]:
    """The whole records of a segment; what stands behind the last is being written."""
    data = segment.read_bytes()
    at = SEGMENT_HEADER
    while at + RECORD_HEADER.size <= len(data):
        crc, size, *_ = RECORD_HEADER.unpack_from(data, at)
        end = at + RECORD_HEADER.size + (size + 7) // 8 * 8
        if size == 0 or end > len(data) or zlib.crc32(data[at + 4:end]) != crc:
            return
        yield data[at + RECORD_HEADER.size:at + RECORD_HEADER.size + size]
        at = end


def ended(archive: Path) -> list[dict]:
    """The paths that the journal holds as ended, as they are shown."""
    paths = []
    for segment in sorted(archive.glob("spool/*.log")):
        for payload in payloads(segment):
            kind, _, name_bytes, *_ = HEAD.unpack_from(payload)
            if kind == b"E":
                paths.append(json.loads(zlib.decompress(payload[HEAD.size + name_bytes:])))
    return paths
