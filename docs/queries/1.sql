-- All reverse traceroutes of a day that reach, were asked for the destination itself, assume no
-- symmetry across ASes, and have no loop between cities that a hop of type 4 causes.
SELECT
  date,
  raw
FROM
  revtr1
WHERE
  date = getvariable('day')
  AND raw.stop_reason = 'REACHES'
  AND raw.is_try_from_destination_AS = FALSE
  AND NOT EXISTS (
    SELECT 1
    FROM UNNEST(raw.revtr_hops) AS h(hop)
    WHERE hop.hop_type = 12
  )
  AND NOT EXISTS (
    SELECT 1
    FROM UNNEST(raw.revtr_hops) AS o(outer_hop)
    WHERE EXISTS (
      SELECT 1
      FROM UNNEST(raw.revtr_hops) AS i(inner_hop)
      WHERE outer_hop.geolocation_ipinfo.city = inner_hop.geolocation_ipinfo.city
        AND outer_hop.hop_number < inner_hop.hop_number - 1
        AND (
          SELECT COUNT(DISTINCT mid.geolocation_ipinfo.city)
          FROM UNNEST(raw.revtr_hops) AS m(mid)
          WHERE mid.hop_number > outer_hop.hop_number
            AND mid.hop_number < inner_hop.hop_number
            AND mid.geolocation_ipinfo.city IS NOT NULL
            AND mid.geolocation_ipinfo.city != outer_hop.geolocation_ipinfo.city
        ) > 0
        AND (outer_hop.hop_type = 4 OR inner_hop.hop_type = 4)
    )
  );
