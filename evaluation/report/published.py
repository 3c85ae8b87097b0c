"""What is published of RevTr 2.0, and where. Nothing here was measured by us."""

from __future__ import annotations

# Of measurements, compared with traceroutes from the remote host. NANOG list, E. Katz-Bassett,
# 27 February 2023.
AS_COMPLETE, AS_MISSING_ONE, AS_WRONG = 0.923, 0.061, 0.015
VANTAGE_POINTS = 150  # sites, the same message
# The same message: of hosts that answer Record Route, those within range of a vantage point.
IN_RANGE = 0.63
# IMC 2022, abstract.
REVTRS_A_DAY = 15e6
# Packets a second that a vantage point's scamper may send: until July 2024, and since
# (NEU-SNS/revtrvp, plvp.config).
VP_PPS_2022, VP_PPS = 100, 300
# Of a hop of a traceroute, how often assuming that the way back begins with it is right, inside an
# AS and across (NEU-SNS/revtrvp, README, of IMC 2022).
SYMMETRY_WITHIN, SYMMETRY_ACROSS = 0.90, 0.57

REVTRS_PER_SECOND = REVTRS_A_DAY / 86_400
# Arithmetic, no measurement: all that 150 vantage points might send at 100 a second.
MOST_PROBES_PER_REVTR = VANTAGE_POINTS * VP_PPS_2022 / REVTRS_PER_SECOND
