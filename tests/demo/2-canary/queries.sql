-- canary_timeseries, by kind of value
SELECT value_type, count(*) AS rows, count(value) AS numbers, min(value_text) AS text,
sum(CASE WHEN quality_good THEN 0 ELSE 1 END) AS bad FROM bronze.canary_timeseries GROUP BY value_type ORDER BY 1

-- canary_timeseries: the marker that ends a session stands one tick behind its last sample, as sequence 1
SELECT tag_name, timestamp, sequence, value, value_text, value_type, quality_good FROM bronze.canary_timeseries t
WHERE EXISTS (SELECT 1 FROM bronze.canary_timeseries m WHERE m.value_text = 'No Data' AND m.sequence = 1
AND m.tag_webid = t.tag_webid AND m.timestamp = t.timestamp) ORDER BY tag_name, timestamp, sequence LIMIT 6

-- canary_asset_hierarchy
SELECT element_path, depth, parent_id FROM bronze.canary_asset_hierarchy ORDER BY element_path LIMIT 5

-- canary_event_frames
SELECT event_name, start_time, end_time, round(duration_minutes, 1) AS minutes, primary_element_id,
event_attributes FROM bronze.canary_event_frames ORDER BY start_time DESC LIMIT 5

-- canary_runs
SELECT started_at, outcome, rows, late, gaps, requests, commits, duration_seconds FROM checkpoints.canary_runs
ORDER BY started_at

-- one view over both historians
WITH all_timeseries AS (SELECT 'pi' AS historian, * FROM bronze.pi_timeseries
UNION ALL SELECT 'canary' AS historian, * FROM bronze.canary_timeseries)
SELECT historian, value_type, count(DISTINCT tag_webid) AS tags, count(*) AS rows, max(timestamp) AS newest
FROM all_timeseries GROUP BY 1, 2 ORDER BY 1, 2
