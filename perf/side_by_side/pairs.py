"""What several runs of two programs, one after the other, amount to."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Comparison:
    """One figure of ours, beside a peer's (or none), in runs A B A B ...

    `target` is what the ratio must reach, or without a peer the figure itself; `at_most` turns it
    into what it must not exceed. None: reported only.
    """

    name: str
    unit: str
    peer_name: str = ""
    target: float | None = None
    at_most: bool = False
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    def add(self, ours: float, peer: float | None = None) -> None:
        self.ours.append(ours)
        if peer is not None:
            self.peer.append(peer)

    @property
    def ratios(self) -> list[float]:
        """One a pair; a pair whose peer did nothing has none."""
        return [a / b for a, b in zip(self.ours, self.peer) if b > 0]

    @property
    def judged(self) -> list[float]:
        """The numbers that the target is about."""
        return self.ratios if self.peer_name else self.ours

    @property
    def spread(self) -> tuple[float, float] | None:
        return (min(self.judged), max(self.judged)) if self.judged else None

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None

    @property
    def is_met(self) -> bool | None:
        """None: there is no target, or nothing was measured."""
        if self.target is None or not self.judged:
            return None
        reached = median(self.judged)
        return reached <= self.target if self.at_most else reached >= self.target

    def as_json(self) -> dict:
        return {"figure": self.name, "unit": self.unit, "peer": self.peer_name or None,
                "ours": self.ours, "peers": self.peer, "ratios": self.ratios,
                "ours_median": median(self.ours) if self.ours else None,
                "peer_median": median(self.peer) if self.peer else None,
                "ratio_median": self.ratio, "spread": self.spread, "target": self.target,
                "target_is": ("at most" if self.at_most else "at least"), "met": self.is_met}
