-- Failures by reason, from `day` to `end_day`: how many reverse traceroutes ended each day, how many
-- for each reason, and the share of each. An empty reason is that of those that reach.
WITH daily_data AS (
  SELECT
    date AS day,
    raw.fail_reason AS fail_reason,
    COUNT(raw.uuid) AS total_occurrences
  FROM
    revtr1
  WHERE
    date BETWEEN getvariable('day') AND getvariable('end_day')
  GROUP BY
    day,
    raw.fail_reason
),
daily_totals AS (
  SELECT
    day,
    SUM(total_occurrences) AS total_occurrences_per_day
  FROM
    daily_data
  GROUP BY
    day
),
aggregated_results AS (
  SELECT
    d.day,
    ARRAY_AGG({
      'fail_reason': d.fail_reason,
      'total_occurrences': d.total_occurrences,
      'fraction_total': d.total_occurrences / dt.total_occurrences_per_day
    } ORDER BY d.total_occurrences DESC, d.fail_reason) AS failure_stats
  FROM
    daily_data d
  JOIN
    daily_totals dt
  ON
    d.day = dt.day
  GROUP BY
    d.day
)
SELECT
  ar.day,
  {
    'failure_statistics': failure_stats,
    'total_measurements': total_occurrences_per_day
  } AS daily_summary
FROM
  aggregated_results ar
JOIN
  daily_totals dt
ON
  ar.day = dt.day
ORDER BY
  ar.day;
