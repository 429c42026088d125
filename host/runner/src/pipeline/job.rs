//! An opened pipeline: configuration, plugin, egress and where the lake is. Opening it makes no request.

use std::sync::Arc;
use std::time::Duration;

use tidegate_model::WindowPolicy;
use tidegate_sandbox::{Connection, Description, Egress, EgressConfig, Figures, Limits, Plugin, Shape, TableSpec};
use tidegate_sink::{CommitPolicy, EventsSpec, Lake, LakeConfig, RecordsSpec, RunStamp, SnapshotSpec};

use super::intake::MirrorPolicy;
use super::windows::Patience;
use crate::audit::AuditLog;
use crate::auth;
use crate::config::{Config, Mirror, Quality, nanos, plugin_settings};
use crate::exit::Failure;
use crate::secret;

/// A TLS handshake across a slow plant network, with room to spare.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Historians give up on a query after about a minute; waiting much longer than a server ever answers helps nobody.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);
/// Requests for one answer, the first included.
const REQUEST_ATTEMPTS: u32 = 4;
/// Seldom enough for files worth reading, often enough that an interruption costs seconds.
const COMMIT_AGE: Duration = Duration::from_secs(60);

/// What a run is asked to do beyond the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Tables by name, with or without the plugin's prefix; all when empty.
    pub tables: Vec<String>,
    /// Read all from the configured start again.
    pub full_refresh: bool,
    /// Delete what the historian no longer shows, however much it is.
    pub accept_shrink: bool,
    /// Try every gap, also those whose pause is not over.
    pub retry_gaps: bool,
}

impl RunOptions {
    /// Which gaps a run that begins at `stamp` tries.
    pub(crate) fn patience(&self, stamp: RunStamp) -> Patience {
        if self.retry_gaps { Patience::Over } else { Patience::Until(stamp.at) }
    }
}

/// An opened pipeline.
pub struct Job {
    config: Config,
    description: Description,
    connection: Connection,
    egress: Arc<Egress>,
    audit: Option<Arc<AuditLog>>,
}

/// The limits of one plugin instance under this host's memory limit: a quarter of it, because seldom do all instances
/// hold a full page at once.
#[must_use]
pub fn limits(memory_limit: u64) -> Limits {
    Limits { memory_bytes: usize::try_from(memory_limit / 4).unwrap_or(usize::MAX), ..Limits::default() }
}

impl Job {
    /// Opens a checked configuration with the plugin that it names.
    ///
    /// # Errors
    /// What the configuration asks for and this version or the plugin cannot do, or an authority file that cannot be read.
    pub fn open(mut config: Config, plugin: &Plugin) -> Result<Self, Failure> {
        if let Some(reason) = config.unavailable.first() {
            return Err(Failure::usage(format!("{}: {reason}", config.file)));
        }
        let description = plugin.description().clone();
        config.complete_url(&description.root);
        let audit = config.audit.clone();
        let audit = audit.map(|path| Arc::new(AuditLog::new(path, &description.name, &config.name)));
        let ca_pem = config.tls.ca_file.as_ref().map(|path| {
            std::fs::read(path).map_err(|error| Failure::usage(format!("tls.ca_file {}: {error}", path.display())))
        });
        let egress = EgressConfig {
            base: config.source.url.clone(),
            capabilities: plugin.granted().to_vec(),
            credentials: auth::credentials(&config.auth, &description)?,
            secrets: Arc::new(secret::register),
            audit: audit.clone().map(|audit| audit as _),
            ca_pem: ca_pem.transpose()?,
            insecure_skip_verify: config.tls.insecure_skip_verify,
            in_flight: config.performance.parallel_batches as usize,
            requests_per_second: config.performance.max_requests_per_second,
            quiet_hours: config.performance.quiet_hours.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            attempts: REQUEST_ATTEMPTS,
        };
        let egress = Arc::new(Egress::new(egress).map_err(|error| Failure::usage(error.to_string()))?);
        let connection = plugin.connect(plugin_settings(&config), Arc::clone(&egress));
        Ok(Self { config, description, connection, egress, audit })
    }

    /// Gets ready to make requests.
    ///
    /// # Errors
    /// The log of requests cannot be written.
    pub fn begin(&self) -> Result<(), Failure> {
        self.audit.as_ref().map_or(Ok(()), |audit| audit.begin())
    }

    /// The end of all requests: the session with the historian is closed, so that its token is of no use to anybody. Called
    /// once more it does nothing.
    pub(crate) async fn hang_up(&self) {
        self.egress.close().await;
    }

    /// The end of the work, after success and after failure.
    ///
    /// # Errors
    /// Requests were made that could not be logged.
    pub async fn close(&self) -> Result<(), Failure> {
        self.hang_up().await;
        self.audit.as_ref().map_or(Ok(()), |audit| audit.whole())
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the plugin says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The plugin, connected.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The lake; nothing is touched by opening it.
    ///
    /// # Errors
    /// A location or a name in it that cannot be used.
    pub fn lake(&self) -> Result<Lake, tidegate_sink::Error> {
        let sink = &self.config.sink;
        let (checkpoint_schema, watermarks_table) = sink.checkpoint(&self.description.name);
        Lake::open(LakeConfig {
            location: sink.location.clone(),
            storage_options: sink.storage_options.0.clone(),
            schema: sink.schema.clone(),
            checkpoint_schema,
            watermarks_table,
            prefix: self.description.name.clone(),
            pipeline: self.config.name.clone(),
        })
    }

    /// The tables that grow series by series.
    pub(crate) fn series_tables(&self) -> impl Iterator<Item = &TableSpec> {
        self.description.tables.iter().filter(|table| table.shape != Shape::Snapshot)
    }

    /// The tables that hold the state of now.
    pub(crate) fn snapshot_tables(&self) -> impl Iterator<Item = &TableSpec> {
        self.description.tables.iter().filter(|table| table.shape == Shape::Snapshot)
    }

    /// A table's name in the lake.
    pub(crate) fn full_name(&self, table: &TableSpec) -> String {
        format!("{}_{}", self.description.name, table.name)
    }

    /// The declared table that `name` means, with or without the plugin's prefix.
    ///
    /// # Errors
    /// There is none; names those there are.
    pub(crate) fn table(&self, name: &str) -> Result<&TableSpec, Failure> {
        let found = self.description.tables.iter().find(|table| table.name == name || self.full_name(table) == name);
        found.ok_or_else(|| {
            let names: Vec<String> = self.description.tables.iter().map(|table| self.full_name(table)).collect();
            Failure::usage(format!("no table `{name}`; plugin `{}` has {}", self.description.name, names.join(", ")))
        })
    }

    /// The first table that grows, when no name is given.
    ///
    /// # Errors
    /// The plugin has none.
    pub(crate) fn first_series_table(&self) -> Result<&TableSpec, Failure> {
        let none = || Failure::usage(format!("plugin `{}` has only tables of the state of now", self.description.name));
        self.series_tables().next().ok_or_else(none)
    }

    /// The declared names of the tables to work on: `names`, or all that the configuration asks for.
    ///
    /// # Errors
    /// A name that the plugin does not have, or a configuration that it does not understand.
    pub(crate) async fn wanted(&self, names: &[String]) -> anyhow::Result<Vec<String>> {
        if names.is_empty() {
            return Ok(self.connection.wanted().await?);
        }
        names.iter().map(|name| Ok(self.table(name)?.name.clone())).collect()
    }

    pub(crate) fn events_spec(&self, table: &TableSpec) -> EventsSpec {
        EventsSpec {
            table: self.full_name(table),
            comment: table.comment.clone(),
            schema: Arc::clone(&table.schema),
            series_column: table.series_column.clone(),
            time_column: table.time_column.clone(),
            sequence_column: table.sequence_column.clone(),
        }
    }

    pub(crate) fn records_spec(&self, table: &TableSpec) -> RecordsSpec {
        RecordsSpec {
            table: self.full_name(table),
            comment: table.comment.clone(),
            schema: Arc::clone(&table.schema),
            series_column: table.series_column.clone(),
            key_column: table.key_column.clone(),
            time_column: table.time_column.clone(),
            end_column: table.end_column.clone(),
        }
    }

    pub(crate) fn snapshot_spec(&self, table: &TableSpec) -> SnapshotSpec {
        SnapshotSpec { table: self.full_name(table), comment: table.comment.clone(), schema: Arc::clone(&table.schema) }
    }

    /// An eighth of the memory fills while another eighth is on its way out.
    pub(crate) fn commit_policy(&self) -> CommitPolicy {
        let performance = &self.config.performance;
        let bytes = usize::try_from(performance.memory_limit / 8).unwrap_or(usize::MAX);
        CommitPolicy { rows: performance.commit_rows as usize, bytes, age: COMMIT_AGE }
    }

    pub(crate) fn window_policy(&self, stamp: RunStamp, options: &RunOptions) -> WindowPolicy {
        let ingestion = &self.config.ingestion;
        WindowPolicy {
            now: stamp.at,
            start: ingestion.start.resolve(stamp.at),
            lookback_nanos: (!options.full_refresh).then(|| nanos(ingestion.lookback)),
        }
    }

    /// What is done with events that the historian has changed.
    pub(crate) fn mirror(&self, options: &RunOptions) -> MirrorPolicy {
        MirrorPolicy {
            append_only: self.config.ingestion.mirror == Mirror::AppendOnly,
            accept_shrink: options.accept_shrink,
        }
    }

    pub(crate) fn good_only(&self) -> bool {
        self.config.ingestion.quality == Quality::Good
    }

    /// Plugin instances side by side: as many as there may be requests in flight.
    pub(crate) fn parallel(&self) -> usize {
        self.config.performance.parallel_batches as usize
    }

    pub(crate) fn egress_figures(&self) -> Figures {
        self.egress.figures()
    }
}
