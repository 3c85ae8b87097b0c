"""Runs in simulated worlds, beside RevTr's published figures: see scripts/evaluate."""
