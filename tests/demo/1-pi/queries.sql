-- rows, and rows with a key of their own (equal: nothing is doubled)
SELECT sum(n) AS rows, count(*) AS keys FROM
(SELECT count(*) AS n FROM bronze.pi_timeseries GROUP BY tag_webid, timestamp, sequence)

-- pi_timeseries, by kind of value
SELECT value_type, count(*) AS rows, count(value) AS numbers, min(value_text) AS text,
sum(CASE WHEN quality_good THEN 0 ELSE 1 END) AS bad FROM bronze.pi_timeseries GROUP BY value_type ORDER BY 1

-- pi_timeseries
SELECT tag_name, timestamp, value, quality_good, units, value_text, value_type, sequence
FROM bronze.pi_timeseries ORDER BY tag_name, timestamp LIMIT 5

-- pi_points
SELECT tag_name, descriptor, point_type, units, digital_set, zero, span FROM bronze.pi_points
ORDER BY tag_name LIMIT 5

-- pi_asset_hierarchy
SELECT element_path, depth, template_name, parent_id, categories FROM bronze.pi_asset_hierarchy
ORDER BY element_path LIMIT 5

-- pi_element_attributes
SELECT attribute_path, data_reference, type, default_uom, tag_name FROM bronze.pi_element_attributes
ORDER BY attribute_path LIMIT 5

-- pi_event_frames
SELECT event_name, template_name, start_time, end_time, round(duration_minutes, 1) AS minutes, severity,
event_attributes FROM bronze.pi_event_frames ORDER BY start_time DESC LIMIT 5

-- one join: event frames, their element, its attributes, and the samples of the tags behind them
SELECT f.event_name, e.element_path, a.attribute_name, t.tag_name, count(*) AS samples, round(avg(t.value), 2) AS mean
FROM bronze.pi_event_frames f
JOIN bronze.pi_asset_hierarchy e ON e.element_id = f.primary_element_id
JOIN bronze.pi_element_attributes a ON a.element_id = e.element_id
JOIN bronze.pi_timeseries t ON t.tag_webid = a.tag_webid
AND t.timestamp >= f.start_time AND t.timestamp < coalesce(f.end_time, now())
WHERE t.value IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT 8

-- pi_watermarks
SELECT tag_name, first_timestamp, last_timestamp, record_count FROM checkpoints.pi_watermarks
ORDER BY tag_name LIMIT 5

-- pi_runs
SELECT started_at, outcome, rows, late, gaps, requests, commits, duration_seconds FROM checkpoints.pi_runs
ORDER BY started_at
