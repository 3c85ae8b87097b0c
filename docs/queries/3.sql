-- Forward traceroutes beside the reverse traceroutes whose hops they showed, of a day: a row for
-- each hop that a traceroute showed.
WITH RevtrTrace AS (
  SELECT
    t1.raw AS revtr_data,
    t2.raw AS trace_data,
    t1.date AS revtr_date,
    t1.raw.uuid AS revtr_uuid
  FROM
    revtr1 AS t1
  CROSS JOIN UNNEST(t1.raw.revtr_hops) AS h(hop)
  JOIN
    trace1 AS t2
  ON
    hop.measurement_id = t2.raw.revtr_measurement_id
  WHERE
    t1.date = getvariable('day') AND
    t2.date = getvariable('day')
)
SELECT * FROM RevtrTrace;
