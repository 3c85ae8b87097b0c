"""What one reverse traceroute, one probe and one message cost, and what one of each machine does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Units:
    # Of a reverse traceroute, measured in the same run of backsight-evaluate.
    probes: float  # packets sent, surveys included
    tasks: float
    records: float  # results and observations
    record_bytes: float  # of all of them, as messages hold them
    controller_s: float  # CPU
    archive_s: float  # CPU, to write and pack its rows
    archive_bytes: float  # packed
    latency_s: float  # median
    busiest: float  # the busiest vantage point's packets, in those of the mean one
    resident_bytes: float  # of a controller, with the simulation
    requests: int  # in that run
    # From docs/performance.md and docs/queue.md.
    vp_pps: float = 700_000  # one worker core, net_af_packet over veth, the slowest driver
    broker_results_per_s: float = 2.1e6  # nats-server and both ends on two busy cores
    # bench_broker: 600 bytes each, stored, fetched and acknowledged, on two busy cores.
    broker_messages_per_s: float = 20_000
    broker_stored_bytes: float = 74  # of a result in its store
    # From the formats.
    task_bytes: float = 48
    message_head_bytes: float = 100
    # What is chosen.
    gather_s: float = 0.020  # a vantage point's group commit: one message at the most in each
    busy_at_most: float = 0.5  # of a controller's core and of a broker, so that nobody waits

    def messages_per_s(self, revtrs_per_second: float, vantage_points: int) -> float:
        """At the most, of tasks and of results: all that a vantage point has gathered is one."""
        most = vantage_points / self.gather_s
        return min(revtrs_per_second * self.records, most) + min(revtrs_per_second * self.tasks, most)


def of_runs(plain: dict, archived: dict) -> Units:
    """Of what backsight-evaluate printed of the same run without and with an archive."""
    requests = plain["requests"]
    machine = plain["machine"]
    archive_s = max(0.0, (archived["machine"]["cpu_s"] - machine["cpu_s"]) / requests)
    return Units(
        probes=plain["parts"][2]["probes_per_revtr"], tasks=plain["tasks"] / requests,
        records=plain["records"] / requests, record_bytes=plain["record_bytes"] / requests,
        controller_s=machine["controller_cpu_ms_per_revtr"] / 1e3, archive_s=archive_s,
        archive_bytes=archived["machine"]["archive_bytes"] / requests,
        latency_s=plain["latency_p50_s"], busiest=plain["vp_busiest"],
        resident_bytes=machine["peak_mib"] * 2 ** 20, requests=requests)
