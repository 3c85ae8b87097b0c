"""What a vantage point keeps under load and when it is told to stop, to be silent or to end."""

import json
import signal
import time
import unittest
from collections import Counter

from vantage import LabTest, Packet, frames, skip_unless_possible

TASKS = 100_000
RATE_PPS = 20_000
MAX_RATE_ERROR = 0.01
SILENCE_SECONDS = 0.1  # design.md, 4.8


def setUpModule():
    skip_unless_possible()


class RunningInALab(LabTest):
    def outcomes(self, vp):
        return Counter((r["outcome"], r.get("reason")) for r in vp.results.values())

    def nearest(self, vp, count):
        """Destinations that answer Record Route, with the fewest routers on the way and back."""
        def routers(destination):
            answer = self.truth.answer(vp, destination)
            return len(answer["forward"][0]) + len(answer["reverse"][0])
        answering = [d for d in self.destinations()
                     if self.truth.answer(vp, d)["record_route"]]
        return [self.address(d) for d in sorted(answering, key=routers)[:count]]

    def test_100000_record_routes_at_20000_a_second_end_in_one_reply_each_at_that_rate(self):
        addresses = self.nearest("vp2", 3)
        tasks = [{"id": i, "kind": "rr", "dst": addresses[i % len(addresses)]}
                 for i in range(1, TASKS + 1)]
        results = self.run_file("vp2", tasks, rates={"total_pps": RATE_PPS})
        self.assertEqual(Counter(r["outcome"] for r in results.values()), {"replied": TASKS})
        sent = [result["sent_at_ns"] for result in results.values()]
        seconds = (max(sent) - min(sent)) / 1e9
        self.assertAlmostEqual((TASKS - 1) / seconds / RATE_PPS, 1, delta=MAX_RATE_ERROR)

    def long_run(self, rate_pps, seconds):
        """A vantage point that has just begun with that much to do, and its tasks."""
        destination = self.address("plain1")
        tasks = [{"id": i, "kind": "ping", "dst": destination, "timeout_ms": 500}
                 for i in range(1, rate_pps * seconds + 1)]
        vp = self.start("vp2", rates={"total_pps": rate_pps})
        vp.put(tasks)
        self.assertTrue(vp.wait_until(lambda: len(vp.said) >= rate_pps // 10))
        return vp, tasks

    def test_on_sigterm_what_was_read_is_answered_and_it_says_where_to_go_on(self):
        destination = self.address("plain1")
        tasks = [{"id": i, "kind": "ping", "dst": destination, "timeout_ms": 500}
                 for i in range(1, 60_001)]
        vp = self.start("vp2", {"tasks": "".join(json.dumps(task) + "\n" for task in tasks)},
                        rates={"total_pps": 1000})
        results = vp.folder / "results"
        deadline = time.monotonic() + 20
        while not results.exists() or results.read_text().count("\n") < 100:
            self.assertLess(time.monotonic(), deadline, vp.complaints())
            time.sleep(0.02)
        told_at = time.monotonic()
        vp.signal(signal.SIGTERM)
        code = vp.finish()
        self.assertLess(time.monotonic() - told_at, 3)
        self.assertEqual(code, 1, vp.complaints())
        vp.said += map(json.loads, results.read_text().splitlines())
        self.assert_at_most_one_result_each(vp, tasks)
        self.assertIn(f"go on with --skip {len(vp.results)}", vp.complaints())
        outcomes = self.outcomes(vp)
        self.assertGreater(outcomes["replied", None], 0)
        self.assertLessEqual(set(outcomes), {("replied", None), ("send_failed", "stopped")})

    def assert_at_most_one_result_each(self, vp, tasks):
        """Lines that were not read yet are no tasks; all that were have one result."""
        answered = sorted(vp.results)
        self.assertEqual(len(answered), len(vp.said))
        self.assertEqual(answered, [task["id"] for task in tasks[:len(answered)]])

    def test_the_kill_switch_silences_it_within_100_ms_until_it_is_lifted(self):
        wire = self.wire(self.vp("vp2")["router"], "to-vp2")
        vp, tasks = self.long_run(1000, 2)
        vp.signal(signal.SIGUSR1)
        told_at = time.time()
        seen = [at for at, frame in frames(wire, 0.5) if Packet(frame).is_echo_request]
        self.assertEqual([at for at in seen if at > told_at + SILENCE_SECONDS], [])
        self.assertLess(len(vp.results), len(tasks))
        vp.signal(signal.SIGUSR2)
        self.assertEqual(vp.finish(), 0, vp.complaints())
        self.assert_one_result_each(vp, tasks)
        self.assertEqual(self.outcomes(vp), {("replied", None): len(tasks)})

    def test_on_sighup_it_obeys_the_new_deny_list_and_keeps_the_old_if_that_is_wrong(self):
        destination = self.address("plain1")
        vp = self.start("vp2", {"deny.txt": "# nothing yet\n"}, deny="deny.txt")
        self.assertEqual(self.outcome_of(vp, 1, destination), "replied")
        for task, text in ((100, f"{destination}/32\n"), (200, "no prefix\n")):
            (vp.folder / "deny.txt").write_text(text)
            vp.signal(signal.SIGHUP)
            self.assertTrue(self.comes_to_refuse(vp, task, destination), vp.complaints())
        self.assertIn("deny.txt:1", vp.complaints())
        self.assertEqual(vp.finish(), 0)

    def comes_to_refuse(self, vp, first_task, destination):
        return any(self.outcome_of(vp, task, destination) == "refused"
                   for task in range(first_task, first_task + 20))

    def outcome_of(self, vp, task, destination):
        vp.put([{"id": task, "kind": "ping", "dst": destination}])
        self.assertTrue(vp.wait_until(lambda: task in vp.results), vp.complaints())
        return vp.results[task]["outcome"]

    def test_a_limit_for_each_destination_holds_on_the_wire(self):
        wire = self.wire(self.vp("vp2")["router"], "to-vp2")
        tasks = [{"id": i, "kind": "ping", "dst": self.address(("plain1", "plain2")[i % 2])}
                 for i in range(1, 101)]
        vp = self.start("vp2", rates={"per_destination_pps": 50})
        vp.put(tasks)
        sent: dict[str, list[float]] = {self.address("plain1"): [], self.address("plain2"): []}
        for at, frame in frames(wire, 5, lambda _: sum(map(len, sent.values())) == len(tasks) - 1):
            if Packet(frame).is_echo_request:
                sent[Packet(frame).dst].append(at)
        self.assertEqual(vp.finish(), 0, vp.complaints())
        self.assertEqual(self.outcomes(vp), {("replied", None): len(tasks)})
        for times in sent.values():
            self.assertGreater(times[-1] - times[0], (len(times) - 1) / 50 * 0.95)


if __name__ == "__main__":
    unittest.main()
