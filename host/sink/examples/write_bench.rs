//! Rows per second into a table of events: 10 million rows of 100 series, pages as a plugin sends them, text columns
//! dictionary-encoded. Run it with `cargo run --release -p tidegate-sink --example write_bench`; the first argument is
//! the number of rows, the second the rows of a commit.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use tidegate_model::{Interval, Series};
use tidegate_sink::{Advance, CommitPolicy, EventsSpec, Lake, LakeConfig, RunStamp};

const SERIES: usize = 100;
const PAGE: usize = 10_000;
const SECOND: i64 = 1_000_000;

fn spec() -> EventsSpec {
    let timestamp = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let host = |name: &str, data_type, host: &str| {
        Field::new(name, data_type, true).with_metadata([("host".to_owned(), host.to_owned())].into())
    };
    let plain = |name: &str, data_type| Field::new(name, data_type, true);
    let schema = Schema::new(vec![
        plain("tag_webid", DataType::Utf8),
        plain("tag_name", DataType::Utf8),
        plain("timestamp", timestamp()),
        plain("value", DataType::Float64),
        plain("quality_good", DataType::Boolean),
        plain("quality_questionable", DataType::Boolean),
        plain("quality_substituted", DataType::Boolean),
        plain("units", DataType::Utf8),
        host("ingestion_timestamp", timestamp(), "ingested-at"),
        host("data_delay_seconds", DataType::Int32, "delay-seconds"),
        plain("value_text", DataType::Utf8),
        plain("value_type", DataType::Utf8),
        plain("annotated", DataType::Boolean),
        plain("sequence", DataType::Int32),
        host("partition_date", DataType::Date32, "event-date"),
    ]);
    EventsSpec {
        table: "bench_timeseries".into(),
        comment: String::new(),
        schema: Arc::new(schema),
        series_column: "tag_webid".into(),
        time_column: "timestamp".into(),
        sequence_column: "sequence".into(),
    }
}

/// One value for all rows of a page, as a plugin sends it.
fn repeated(value: Option<&str>) -> Result<ArrayRef, Box<dyn Error>> {
    let keys = Int32Array::from(vec![value.map(|_| 0); PAGE]);
    let values = Arc::new(StringArray::from(value.map(|value| vec![value]).unwrap_or_default()));
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?))
}

fn page(series: &Series, start: i64) -> Result<RecordBatch, Box<dyn Error>> {
    let flags = |value: bool| -> ArrayRef { Arc::new(BooleanArray::from(vec![value; PAGE])) };
    let rows = 0..PAGE as i64;
    // A measured value: noise that does not repeat, three decimals as instruments give.
    let seed = series.id.bytes().fold(start as u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let noise = rows.clone().map(|i| {
        let mixed = (seed ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
    });
    let values = Float64Array::from_iter_values(noise.map(|n| (n % 1_000_003) as f64 / 1_000.0));
    let times = TimestampMicrosecondArray::from_iter_values(rows.map(|i| start + i * SECOND + i % 997 * 1_000));
    Ok(RecordBatch::try_from_iter([
        ("tag_webid", repeated(Some(&series.id))?),
        ("tag_name", repeated(Some(&series.name))?),
        ("timestamp", Arc::new(times.with_timezone("UTC")) as ArrayRef),
        ("value", Arc::new(values)),
        ("quality_good", flags(true)),
        ("quality_questionable", flags(false)),
        ("quality_substituted", flags(false)),
        ("units", repeated(Some("degC"))?),
        ("value_text", repeated(None)?),
        ("value_type", repeated(Some("float"))?),
        ("annotated", flags(false)),
        ("sequence", Arc::new(Int32Array::from(vec![0; PAGE]))),
    ])?)
}

/// Peak memory of this process in MiB, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(10_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let commit_rows = std::env::args().nth(2).map_or(Ok(1_000_000), |text| text.parse())?;
    let lake = Lake::open(LakeConfig {
        location: folder.path().display().to_string(),
        storage_options: Default::default(),
        schema: "bronze".into(),
        checkpoint_schema: "checkpoints".into(),
        watermarks_table: "bench_watermarks".into(),
        prefix: "bench".into(),
        pipeline: "bench".into(),
    })?;
    let policy = CommitPolicy { rows: commit_rows, bytes: 96 << 20, age: Duration::from_secs(30) };
    let run = RunStamp { at: tidegate_model::Instant::from_micros(1_760_000_000 * SECOND) };
    let mut events = lake.events(spec(), "live", run, policy).await?;
    let series: Vec<Arc<Series>> = (0..SERIES)
        .map(|n| {
            let id = format!("ACMEbenchmarkQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo{n:06}");
            Arc::new(Series { id, name: format!("UNIT{n:03}.TEMPERATURE.PV"), ahead: false, detail: String::new() })
        })
        .collect();
    let (mut making, started) = (Duration::ZERO, Instant::now());
    let origin = 1_700_006_400 * SECOND;
    for number in 0..rows / PAGE {
        let Some(series) = series.get(number % SERIES) else { continue };
        let start = origin + (number / SERIES * PAGE) as i64 * SECOND;
        let clock = Instant::now();
        let page = page(series, start)?;
        making += clock.elapsed();
        let end = tidegate_model::Instant::from_micros(start + PAGE as i64 * SECOND);
        let covered = Interval::new(tidegate_model::Instant::from_micros(start), end);
        let advance = Advance { series: Arc::clone(series), covered: Some(covered), rows: PAGE as i64 };
        events.push(Some(page), vec![advance]).await?;
    }
    let written = events.finish().await?;
    let took = started.elapsed();
    println!("{written:?}");
    println!(
        "wrote {:.2} M rows/s ({took:.1?}, of which {making:.1?} made pages)",
        written.rows as f64 / took.as_secs_f64() / 1e6
    );
    println!("{:.1} bytes per row, peak memory {:?} MiB", written.bytes as f64 / written.rows as f64, peak_mib());
    Ok(())
}
