"""Measures what was chosen, pair by pair, and keeps what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from . import figures, idle, ours, scanners, testpmd, vantage
from .pairs import Comparison
from .programs import Place, ProgramError, missing, tell


@dataclass
class Findings:
    comparisons: list[Comparison] = field(default_factory=list)
    benches: dict[str, list[dict]] = field(default_factory=dict)  # every run of each
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        return [f"{name}: {law}" for name, runs in self.benches.items()
                for law in sorted({law for run in runs for law in run.get("broken", [])})]


@dataclass(frozen=True)
class Setting:
    place: Place
    pairs: int
    is_quick: bool
    uses_hugepages: bool

    def seconds(self, bench: str) -> float:
        return figures.SECONDS.get(bench, figures.DEFAULT_SECONDS)[self.is_quick]

    @property
    def wire_seconds(self) -> float:
        return 1.0 if self.is_quick else 2.0


class Measuring:
    def __init__(self, setting: Setting, chosen: Callable[[str], bool]):
        """`chosen(name)`: whether that figure is wanted."""
        self.setting = setting
        self.chosen = chosen
        self.found = Findings()
        self.benches = ours.available()

    def all(self) -> Findings:
        self._alone()
        self._idle()
        self._beside_testpmd()
        self._over_wire()
        self._targets()
        return self.found

    # --- steps ---

    def _attempt(self, name: str, work: Callable[[], object]) -> bool:
        """False: it failed, and that is kept."""
        try:
            work()
            return True
        except ProgramError as error:
            tell(f"{name}: {error}")
            self.found.failed[name] = str(error)
            return False

    def _bench(self, name: str, bench: str, extra: Iterable[str] = ()) -> dict:
        setting = self.setting
        said = ours.measure(bench, setting.seconds(bench), setting.place, setting.uses_hugepages, extra)
        self.found.benches.setdefault(name, []).append(said)
        return said

    def _alone(self) -> None:
        runs: list[tuple[str, str, tuple[str, ...]]] = [
            *((bench, bench, ()) for bench in self.benches), *figures.VARIANTS]
        for name, bench, extra in runs:
            if not self.chosen(name) or bench not in self.benches:
                continue
            tell(name)
            if not self.setting.is_quick:
                extra = (*extra, *figures.UNTIL.get(name, ()))
            self._attempt(name, lambda: self._bench(name, bench, extra))

    def _idle(self) -> None:
        if not self.chosen(figures.IDLE):
            return
        if reason := idle.why_not():
            self.found.skipped[figures.IDLE] = reason
            return
        tell(figures.IDLE)

        def measured() -> None:
            said = idle.measure(self.setting.seconds(figures.IDLE), self.setting.place,
                                self.setting.is_quick)
            self.found.benches.setdefault(figures.IDLE, []).append(said)

        self._attempt(figures.IDLE, measured)

    def _beside_testpmd(self) -> None:
        for it in figures.TESTPMD:
            if not self.chosen(it.name):
                continue
            if reason := self._no_testpmd():
                self.found.skipped[it.name] = reason
                continue
            figure = Comparison(it.name, "Mpps", f"testpmd {it.work.name}", it.target)

            def pair() -> None:
                seconds = self.setting.seconds(it.bench)
                mine = self._bench(it.bench, it.bench)["mpps"]
                figure.add(mine, testpmd.measure_mpps(it.work, seconds, self.setting.place))

            self._pairs(figure, pair)

    def _no_testpmd(self) -> str | None:
        if missing("dpdk-testpmd"):
            return "dpdk-testpmd is not installed; scripts/setup does it"
        if not self.setting.uses_hugepages:
            return "no huge pages"
        return None

    def _over_wire(self) -> None:
        wanted = [it for it in figures.WIRE if self.chosen(it.name)]
        if not self.setting.uses_hugepages:
            for it in wanted:
                if it.scanner is scanners.TXONLY:
                    self.found.skipped[it.name] = "no huge pages"
            wanted = [it for it in wanted if it.scanner is not scanners.TXONLY]
        if not wanted:
            return
        if reason := _no_wire(wanted):
            self.found.skipped |= {it.name: reason for it in wanted}
            return
        with ExitStack() as stack:
            points = {}
            for kind in dict.fromkeys(it.kind for it in wanted):
                tell(f"writing {kind} tasks for the vantage point")
                points[kind] = stack.enter_context(vantage.Vantage(
                    kind, self.setting.wire_seconds, self.setting.place, self.setting.uses_hugepages))
            for it in wanted:
                figure = Comparison(it.name, "Mpps", it.scanner.name, it.target)

                def pair() -> None:
                    mine = points[it.kind].measure_mpps(it.driver)
                    figure.add(mine, scanners.measure_mpps(it.scanner, self.setting.wire_seconds,
                                                           self.setting.place))

                self._pairs(figure, pair)

    def _pairs(self, figure: Comparison, pair: Callable[[], None]) -> None:
        for count in range(self.setting.pairs):
            if not self._attempt(figure.name, pair):
                break
            tell(f"{figure.name}: pair {count + 1} of {self.setting.pairs}: ours {figure.ours[-1]:.3f}, "
                 f"{figure.peer_name} {figure.peer[-1]:.3f} {figure.unit}")
        if figure.ours:
            self.found.comparisons.append(figure)

    def _targets(self) -> None:
        """Figures that must reach something by themselves, from all runs of their bench."""
        for target in figures.TARGETS:
            values = [run[target.key] for run in self.found.benches.get(target.bench, [])
                      if target.key in run]
            if values:
                name = f"{target.bench}: {target.key}"
                self.found.comparisons.append(Comparison(
                    name, target.unit, "", target.value, target.at_most, values))


def _no_wire(wanted: list[figures.OverWire]) -> str | None:
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if lacking := missing("ip", *(it.scanner.program or it.scanner.package for it in wanted)):
        return f"{', '.join(sorted(set(lacking)))} not installed; scripts/setup does it"
    return None


def names(benches: Iterable[str]) -> list[str]:
    """All that --only takes."""
    return [*benches, *(name for name, _, _ in figures.VARIANTS), figures.IDLE,
            *(it.name for it in figures.TESTPMD), *(it.name for it in figures.WIRE)]
