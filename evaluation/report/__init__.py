"""Both planners in the same worlds, beside RevTr's published figures: see scripts/evaluate."""
