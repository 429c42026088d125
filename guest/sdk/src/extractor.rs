//! What a plugin implements, and how it becomes the exports of a component.

use std::future::Future;

use arrow::datatypes::Schema;

use crate::{
    Bookmarked, Capability, Catalogue, Change, Counts, Fault, Finding, Partition, Session, Shape, Span,
    bindings::exported as wire,
    host::{self, Level},
    ipc,
};

/// A table that a plugin fills.
#[derive(Clone, Debug)]
pub struct Table {
    /// Without the plugin's prefix: `timeseries` becomes `pi_timeseries`.
    pub name: String,
    /// How its rows live.
    pub shape: Shape,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in order, the ones that the host fills included; see [`crate::events`] for the metadata.
    pub schema: Schema,
    /// Which column names the series; empty for a snapshot.
    pub series_column: String,
    /// Which column holds event time, or the start of a record; empty for a snapshot.
    pub time_column: String,
    /// Which column numbers the events of a series that share a timestamp; only for events.
    pub sequence_column: String,
    /// Which column is a record's identity; only for records.
    pub key_column: String,
    /// Which column holds the end of a record, NULL while it has none; only for records.
    pub end_column: String,
}

impl Table {
    /// A table of events in the shared shape of [`crate::events::schema`].
    #[must_use]
    pub fn timeseries(name: &str, comment: &str) -> Self {
        Self {
            series_column: "tag_webid".to_owned(),
            time_column: "timestamp".to_owned(),
            sequence_column: "sequence".to_owned(),
            ..Self::of(Shape::Events, name, comment, crate::events::schema())
        }
    }

    /// A table of things that begin and may end: one row for each `key`, of the series that `series` names, from
    /// `start` to `end`.
    #[must_use]
    pub fn records(name: &str, comment: &str, schema: Schema, series: &str, key: &str, start: &str, end: &str) -> Self {
        Self {
            series_column: series.to_owned(),
            time_column: start.to_owned(),
            key_column: key.to_owned(),
            end_column: end.to_owned(),
            ..Self::of(Shape::Records, name, comment, schema)
        }
    }

    /// A table whose rows each refresh replaces.
    #[must_use]
    pub fn snapshot(name: &str, comment: &str, schema: Schema) -> Self {
        Self::of(Shape::Snapshot, name, comment, schema)
    }

    fn of(shape: Shape, name: &str, comment: &str, schema: Schema) -> Self {
        Self {
            name: name.to_owned(),
            shape,
            comment: comment.to_owned(),
            schema,
            series_column: String::new(),
            time_column: String::new(),
            sequence_column: String::new(),
            key_column: String::new(),
            end_column: String::new(),
        }
    }
}

/// What a plugin is. What it has no use for is left to [`Default`].
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Also the prefix of its tables: `pi`.
    pub name: String,
    /// Of the plugin: `env!("CARGO_PKG_VERSION")`.
    pub version: String,
    /// The terms of its use, an SPDX expression: `env!("CARGO_PKG_LICENSE")`.
    pub license: String,
    /// Where the API usually lies on its server, such as `/piwebapi`: the host appends it to a `source.url` that names
    /// only the server.
    pub root: String,
    /// A first configuration for the operator to fill in, YAML with comments: what `tidegate init` writes.
    pub starter: String,
    /// What it fills.
    pub tables: Vec<Table>,
    /// What [`Extractor::discover`] can be asked for: `tags`, `assets`, `databases`…
    pub kinds: Vec<String>,
    /// JSON Schema `{"properties": {"source": {…}, "ingestion": {…}}}` of the keys that it adds to the configuration.
    pub config_schema: serde_json::Value,
    /// Every kind of request that it makes; the host refuses any other.
    pub capabilities: Vec<Capability>,
    /// The member of a request's JSON body in which the historian takes a token that the operator was given. The host
    /// fills it in where `auth` says `in: body`.
    pub token_member: String,
    /// Where the historian gives out tokens itself: the host logs in, fills the token in and logs out.
    pub session: Option<Session>,
}

impl Capability {
    /// `path` is relative to `source.url`; `*` stands for one segment.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }
}

/// A plugin. The host may call each function in a fresh instance: nothing is remembered between calls.
///
/// Implement the futures as `async fn`.
pub trait Extractor: 'static {
    /// Who it is and what it wants. Needs no configuration and makes no request.
    fn describe() -> Description;

    /// Asks the server for real: one finding for each thing that can be wrong.
    fn check() -> impl Future<Output = Vec<Finding>>;

    /// The names of the declared tables that the configuration asks for; by default all. Makes no request.
    ///
    /// # Errors
    /// When the configuration is not understood.
    fn wanted() -> Result<Vec<String>, Fault> {
        Ok(Self::describe().tables.into_iter().map(|table| table.name).collect())
    }

    /// Reports with [`host::found`] what the historian holds. `kind` is one of [`Description::kinds`]; `pattern` may
    /// hold `*` and `?`.
    ///
    /// # Errors
    /// When the historian cannot be asked, or the kind is not known.
    fn discover(kind: &str, pattern: &str) -> impl Future<Output = Result<(), Fault>>;

    /// Resolves what the configuration selects for a table of events or records. May emit and [`host::complete`]
    /// snapshot tables that describe it on the way.
    ///
    /// # Errors
    /// When nothing can be resolved at all; what concerns one series goes to [`Catalogue::unresolved`].
    fn resolve(table: &str) -> impl Future<Output = Result<Catalogue, Fault>>;

    /// Emits all rows of these snapshot tables, and says [`host::complete`] for each that is whole. They come together
    /// because one listing may fill several.
    ///
    /// The default is for plugins whose snapshot tables are filled by [`Extractor::resolve`], or that have none.
    ///
    /// # Errors
    /// A fault that concerns every one of them that is not complete yet.
    fn refresh(tables: &[String]) -> impl Future<Output = Result<(), Fault>> {
        let tables = tables.join(", ");
        async move {
            Err(Fault::internal("table", format!("this plugin refreshes no table by itself; asked for: {tables}")))
        }
    }

    /// Where the historian tells what it changed: what that was since the bookmark of each series. The host keeps the
    /// bookmarks, reads again what is named here, and may look back less far.
    ///
    /// The default is for historians that do not tell: no series has a bookmark.
    ///
    /// # Errors
    /// A fault costs the hints of this run and nothing else.
    fn changes(table: &str, series: Vec<Bookmarked>) -> impl Future<Output = Result<Vec<Change>, Fault>> {
        let _ = (table, series);
        async { Ok(Vec::new()) }
    }

    /// Groups spans into units of work, each read by one call. Makes no request.
    ///
    /// # Errors
    /// When the table or the configuration is not understood.
    fn plan(table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault>;

    /// Reads a partition: emits and covers, or reports gaps.
    ///
    /// # Errors
    /// A fault that concerns every span which is not covered yet.
    fn read(table: &str, partition: Partition) -> impl Future<Output = Result<(), Fault>>;

    /// Has the historian count the events of `spans`, each cut at the whole multiples of `width` nanoseconds since the Unix
    /// epoch. A number that is not exact is a fault of its span.
    ///
    /// The default says that the historian cannot count.
    ///
    /// # Errors
    /// A fault that concerns every span.
    fn count(table: &str, _spans: &[Span], _width: u64) -> impl Future<Output = Result<Counts, Fault>> {
        let why = format!("this plugin cannot have the events of {table} counted");
        async move { Ok(Counts::Unsupported(why)) }
    }

    /// Of these keys of a table of records, those of which the historian says plainly that they do not exist any more:
    /// the host deletes their rows. By default none, so that nothing is deleted.
    ///
    /// # Errors
    /// When nothing is known of any of them.
    fn gone(_table: &str, _keys: Vec<String>) -> impl Future<Output = Result<Vec<String>, Fault>> {
        async { Ok(Vec::new()) }
    }
}

impl<T: Extractor> wire::Guest for T {
    fn describe() -> wire::Description {
        let description = T::describe();
        wire::Description {
            name: description.name,
            version: description.version,
            tables: description.tables.into_iter().map(encode_table).collect(),
            kinds: description.kinds,
            config_schema: description.config_schema.to_string(),
            capabilities: description.capabilities,
            license: description.license,
            root: description.root,
            starter: description.starter,
            token_member: description.token_member,
            session: description.session,
        }
    }

    fn check() -> Vec<Finding> {
        wstd::runtime::block_on(T::check())
    }

    fn wanted() -> Result<Vec<String>, Fault> {
        T::wanted()
    }

    fn discover(kind: String, pattern: String) -> Result<(), Fault> {
        wstd::runtime::block_on(T::discover(&kind, &pattern))
    }

    fn resolve(table: String) -> Result<Catalogue, Fault> {
        wstd::runtime::block_on(T::resolve(&table))
    }

    fn refresh(tables: Vec<String>) -> Result<(), Fault> {
        wstd::runtime::block_on(T::refresh(&tables))
    }

    fn changes(table: String, series: Vec<Bookmarked>) -> Result<Vec<Change>, Fault> {
        wstd::runtime::block_on(T::changes(&table, series))
    }

    fn plan(table: String, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        T::plan(&table, spans)
    }

    fn read(table: String, partition: Partition) -> Result<(), Fault> {
        wstd::runtime::block_on(T::read(&table, partition))
    }

    fn count(table: String, spans: Vec<Span>, width: u64) -> Result<Counts, Fault> {
        wstd::runtime::block_on(T::count(&table, &spans, width))
    }

    fn gone(table: String, keys: Vec<String>) -> Result<Vec<String>, Fault> {
        wstd::runtime::block_on(T::gone(&table, keys))
    }
}

fn encode_table(table: Table) -> wire::Table {
    // `describe` cannot fail; the host refuses a table whose schema is empty, and says which.
    let schema = ipc::schema(&table.schema).unwrap_or_else(|fault| {
        host::log(Level::Error, &format!("table {}: {}", table.name, fault.message));
        Vec::new()
    });
    wire::Table {
        name: table.name,
        shape: table.shape,
        comment: table.comment,
        schema,
        series_column: table.series_column,
        time_column: table.time_column,
        sequence_column: table.sequence_column,
        key_column: table.key_column,
        end_column: table.end_column,
    }
}

/// Makes a type that implements [`Extractor`] the exports of this component.
///
/// Expands to nothing on other targets than WebAssembly, so that a plugin's own tests link and run natively.
#[macro_export]
macro_rules! register_extractor {
    ($plugin:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::__private::export!($plugin with_types_in $crate::__private);
    };
}
