"""Rooms see what they may include and nothing else: the compiler refuses the rest."""
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("BACKSIGHT_BIN", ROOT / "build/release/bin")).resolve()
ROOTS = PROGRAMS.parent / "include"

# Room, a header it includes, headers it must not reach.
WALLS = [
    ("probes", "probes/reply.h", ["tasks/task.h", "config/error.h"]),
    ("config", "config/error.h", ["tasks/task.h", "queue/address.h", "daemon/trouble.h"]),
    ("tasks", "tasks/codec/codec.h", ["storage/file_system.h", "queue/vp_queue.h"]),
    ("storage", "storage/log/log_writer.h", ["tasks/task.h", "queue/client.h"]),
    ("queue", "queue/nats/vp/nats_queue.h", ["engine/worker/report.h", "controller/request.h"]),
    ("daemon", "config/error.h", ["tasks/task.h", "queue/client.h", "controller/request.h"]),
    ("engine/device", "probes/reply.h", ["tasks/task.h", "engine/worker/report.h"]),
    ("engine/worker", "tasks/result.h",
     ["queue/nats/broker/connection.h", "storage/log/log_writer.h", "engine/control/status.h"]),
    ("controller", "queue/client.h", ["engine/worker/report.h", "sim/world.h", "cli/app.h"]),
    ("cli", "queue/client.h",
     ["engine/worker/report.h", "controller/request.h", "daemon/trouble.h"]),
    ("sim", "probes/reply.h", ["tasks/task.h", "controller/request.h", "engine/worker/report.h"]),
]


def preprocess(room: str, header: str) -> subprocess.CompletedProcess:
    root = ROOTS / f"backsight_{room.replace('/', '_')}"
    return subprocess.run(
        ["c++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-I", str(root), "-"],
        input=f'#include "{header}"\n', capture_output=True, text=True, timeout=120, cwd=ROOTS)


class Walls(unittest.TestCase):
    def test_every_room_reaches_what_it_may_include(self):
        for room, allowed, _ in WALLS:
            with self.subTest(room=room):
                said = preprocess(room, allowed).stderr
                self.assertNotIn(f"fatal error: {allowed}", said)

    def test_no_room_reaches_what_it_must_not_include(self):
        for room, _, forbidden in WALLS:
            for header in forbidden:
                with self.subTest(room=room, header=header):
                    self.assertTrue((ROOT / header).exists(), f"{header} is gone: name another")
                    tried = preprocess(room, header)
                    self.assertNotEqual(tried.returncode, 0)
                    self.assertIn(f"fatal error: {header}: No such file", tried.stderr)

    def test_a_worker_links_no_broker_no_messages_and_no_packing(self):
        listed = subprocess.run(
            ["nm", "--undefined-only", str(ROOTS.parent / "engine/libbacksight_engine_worker.a")],
            capture_output=True, text=True, timeout=120, check=True).stdout
        self.assertIn("rte_", listed)
        for name in ("nats", "flatbuffers", "deflate", "crc32"):
            self.assertNotIn(name, listed)


if __name__ == "__main__":
    unittest.main()
