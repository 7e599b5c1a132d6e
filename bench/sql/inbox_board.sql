-- Sums of every metric by day, of one's shops.
SELECT metric, version, day, sum(n), sum(value_sum), sum(numerator), sum(denominator)
  FROM kpi_shop_day WHERE day BETWEEN %(first)s AND %(last)s AND shop_id = ANY(%(shops)s)
 GROUP BY metric, version, day
