-- What stands beside every list: the views with their counts, and how many visits wait.
SELECT views::text, (SELECT count(*) FROM feedback_visit v WHERE v.shop_id = ANY(%(shops)s) AND v.state IN ('planned', 'due', 'attempted')
                        AND v.show_at <= now())
  FROM (
--+ inbox_view_counts
       ) views
