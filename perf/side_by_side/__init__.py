"""The benches and, in the same run, other programs on the same work: see scripts/bench."""
