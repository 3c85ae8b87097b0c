"""Rooms see what they may include and nothing else: the compiler refuses the rest."""
import json
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("BACKSIGHT_BIN", ROOT / "build/release/bin")).resolve()
ROOTS = PROGRAMS.parent / "include"

# Room, a header it includes, headers it must not reach.
WALLS = [
    ("probes", "probes/reading/reply.h", ["tasks/task.h", "config/error.h"]),
    ("config", "config/error.h",
     ["config/reading/keys.h", "tasks/task.h", "queue/address.h", "daemon/trouble.h"]),
    ("config/reading", "config/fault.h",
     ["config/lists/deny_list.h", "config/vp/vp_config.h", "tasks/task.h", "storage/file_system.h"]),
    ("config/lists", "config/reading/keys.h",
     ["config/keys/fleet_key.h", "config/vp/vp_config.h", "tasks/task.h"]),
    ("config/keys", "config/reading/secret_file.h",
     ["config/lists/deny_list.h", "config/vp/vp_config.h", "tasks/task.h"]),
    ("config/sections", "config/lists/deny_list.h",
     ["config/keys/fleet_key.h", "config/vp/vp_config.h", "queue/address.h"]),
    ("config/vp", "config/sections/port_config.h",
     ["config/controller/controller_config.h", "config/sim/sim_config.h", "queue/address.h"]),
    ("config/controller", "config/sections/queue_config.h",
     ["config/vp/vp_config.h", "config/sim/sim_config.h", "controller/request.h"]),
    ("config/sim", "config/sections/eal_config.h",
     ["config/vp/vp_config.h", "config/controller/controller_config.h", "sim/world.h"]),
    ("tasks", "tasks/codec/codec.h", ["storage/file_system.h", "queue/vp_queue.h"]),
    ("tracing", "tasks/result.h", ["engine/worker/report.h", "queue/client.h"]),
    ("storage", "storage/log/log_writer.h",
     ["config/reading/keys.h", "tasks/task.h", "queue/client.h"]),
    ("queue", "queue/nats/vp/nats_queue.h",
     ["config/vp/vp_config.h", "engine/worker/report.h", "controller/request.h"]),
    ("daemon", "config/error.h", ["tasks/task.h", "queue/client.h", "controller/request.h"]),
    ("engine/device", "config/sections/eal_config.h",
     ["config/vp/vp_config.h", "tasks/task.h", "engine/worker/report.h"]),
    ("engine/worker", "tasks/result.h",
     ["config/keys/fleet_key.h", "queue/nats/broker/connection.h", "storage/log/log_writer.h",
      "engine/control/status.h"]),
    ("controller", "tasks/result.h", ["controller/vantage/vp_index.h", "queue/client.h"]),
    ("controller/annotation", "config/error.h",
     ["controller/json/utf8.h", "controller/request.h", "tasks/task.h"]),
    ("controller/atlas_import", "controller/annotation/packed_file.h",
     ["controller/atlas/source_atlas.h", "controller/json/utf8.h"]),
    ("controller/json", "controller/annotation/annotation.h",
     ["controller/journal/journal.h", "controller/archive/rows.h", "controller/api/api.h"]),
    ("controller/vantage", "controller/now.h",
     ["controller/annotation/alias_table.h", "queue/client.h", "daemon/wall_clock.h"]),
    ("controller/ranking", "controller/vantage/vp_index.h",
     ["controller/atlas/source_atlas.h", "controller/probing/prober.h", "tasks/task.h"]),
    ("controller/atlas", "controller/vantage/vp_index.h",
     ["controller/ranking/ranking.h", "controller/probing/prober.h", "tasks/task.h"]),
    ("controller/probing", "controller/vantage/vp_index.h",
     ["controller/measurement/planner.h", "controller/ranking/ranking.h", "queue/client.h"]),
    ("controller/measurement", "controller/probing/answer.h",
     ["controller/brain/brain.h", "controller/journal/journal.h", "queue/client.h"]),
    ("controller/brain", "controller/measurement/measurement.h",
     ["controller/journal/journal.h", "controller/archive/archive.h", "controller/api/api.h",
      "controller/service/inbox.h", "config/controller/controller_config.h", "queue/client.h",
      "storage/file_system.h", "daemon/wall_clock.h"]),
    ("controller/journal", "storage/log/log_writer.h",
     ["controller/api/api.h", "controller/archive/archive.h", "controller/brain/brain.h",
      "controller/service/controller.h", "queue/client.h"]),
    ("controller/archive", "controller/journal/journal.h",
     ["controller/api/api.h", "controller/service/controller.h", "controller/brain/brain.h",
      "controller/vantage/vantage_table.h", "queue/client.h"]),
    ("controller/service", "queue/client.h",
     ["controller/api/api.h", "controller/metrics/controller_metrics.h", "engine/worker/report.h",
      "sim/world.h", "cli/app.h"]),
    ("controller/api", "controller/service.h",
     ["controller/service/controller.h", "controller/brain/brain.h",
      "controller/measurement/planner.h", "controller/journal/journal.h",
      "controller/archive/archive.h", "storage/file_system.h"]),
    ("controller/metrics", "controller/api/api_server.h",
     ["controller/atlas_import/ripe_atlas.h", "engine/worker/report.h"]),
    ("evaluation", "engine/worker/worker.h",
     ["engine/control/vantage_point.h", "controller/service/controller.h", "queue/client.h"]),
    ("cli", "queue/client.h",
     ["engine/worker/report.h", "controller/request.h", "daemon/trouble.h"]),
    ("sim", "config/sim/world_config.h",
     ["config/vp/vp_config.h", "tasks/task.h", "controller/request.h", "engine/worker/report.h"]),
]


def target_of(room: str) -> str:
    return f"backsight_{room.replace('/', '_')}"


def preprocess(room: str, header: str) -> subprocess.CompletedProcess:
    root = ROOTS / target_of(room)
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

    def test_every_folder_of_the_controller_and_the_config_has_a_wall(self):
        rooms = {room for room, _, _ in WALLS}
        for source in [*ROOT.glob("controller/*/*.cc"), *ROOT.glob("config/*/*.cc")]:
            self.assertIn(str(source.parent.relative_to(ROOT)), rooms)

    def test_only_the_engine_and_what_runs_it_find_dpdk(self):
        commands = json.loads((PROGRAMS.parent / "compile_commands.json").read_text())
        finders = {target for one in commands if "/include/dpdk" in one["command"]
                   for target in re.findall(r"CMakeFiles/([^/]+)\.dir/", one["command"])}
        self.assertIn("backsight_engine_device", finders)
        for room, _, _ in WALLS:
            if not room.startswith("engine/") and room != "evaluation":
                with self.subTest(room=room):
                    self.assertNotIn(target_of(room), finders)
                    self.assertIn("fatal error: rte_mbuf.h", preprocess(room, "rte_mbuf.h").stderr)

    def test_a_worker_links_no_broker_no_messages_and_no_packing(self):
        listed = subprocess.run(
            ["nm", "--undefined-only", str(ROOTS.parent / "engine/libbacksight_engine_worker.a")],
            capture_output=True, text=True, timeout=120, check=True).stdout
        self.assertIn("rte_", listed)
        for name in ("nats", "flatbuffers", "deflate", "crc32"):
            self.assertNotIn(name, listed)


if __name__ == "__main__":
    unittest.main()
