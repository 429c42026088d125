SELECT max(n) = 1 AS unique FROM (
SELECT count(*) AS n FROM bronze.canary_timeseries GROUP BY tag_webid, timestamp, sequence UNION ALL
SELECT count(*) FROM bronze.canary_asset_hierarchy GROUP BY element_id UNION ALL
SELECT count(*) FROM bronze.canary_event_frames GROUP BY event_frame_id)
