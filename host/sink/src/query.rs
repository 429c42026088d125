//! Looks into the lake: which tables there are, and SQL over them. Reads only; memory is bounded and spills to disk.

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::Path;
use deltalake::datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use deltalake::datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::delta_datafusion::{DeltaRuntimeEnvBuilder, DeltaSessionConfig};

use crate::lake::Lake;
use crate::table::Table;
use crate::{Error, Result};

/// Memory of one query before it spills.
const QUERY_BYTES: usize = 256 << 20;

/// A table of the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub location: String,
    /// The newest version of its log.
    pub version: u64,
    /// Live data files.
    pub files: usize,
    /// Rows, by the files' statistics; `None` where a file has none.
    pub rows: Option<u64>,
}

impl Lake {
    /// All tables below the location, by schema and name.
    ///
    /// # Errors
    /// A folder or table that cannot be read.
    pub async fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut infos = Vec::new();
        for (schema, name, table) in self.open_all().await? {
            infos.push(TableInfo {
                location: self.root.table_path(&schema, &name),
                version: table.version(),
                files: table.files()?.len(),
                rows: table.rows()?,
                schema,
                name,
            });
        }
        Ok(infos)
    }

    /// The answer to a SQL query over all tables, named `schema.table`; the data schema is the default one.
    ///
    /// # Errors
    /// A statement that cannot be parsed or run, or a table that cannot be read.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let config = SessionConfig::from(DeltaSessionConfig::default())
            .with_default_catalog_and_schema("tidegate", &self.config.schema)
            .with_information_schema(true);
        let runtime = DeltaRuntimeEnvBuilder::new().with_max_spill_size(QUERY_BYTES).build();
        let context = SessionContext::new_with_config_rt(config, runtime);
        let catalog = context.catalog("tidegate").ok_or_else(|| Error::Damaged {
            place: "the query engine".to_owned(),
            what: "it has no catalogue; this is a defect, please report it".to_owned(),
        })?;
        for (schema, name, table) in self.open_all().await? {
            let provider = table.delta.table_provider().await.map_err(Error::query)?;
            table.delta.update_datafusion_session(&context.state()).map_err(Error::query)?;
            let tables = match catalog.schema(&schema) {
                Some(tables) => tables,
                None => {
                    let tables: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                    catalog.register_schema(&schema, Arc::clone(&tables)).map_err(Error::query)?;
                    tables
                }
            };
            tables.register_table(name, provider).map_err(Error::query)?;
        }
        let answer = context.sql(sql).await.map_err(Error::query)?;
        answer.collect().await.map_err(Error::query)
    }

    async fn open_all(&self) -> Result<Vec<(String, String, Table)>> {
        let mut tables = Vec::new();
        for schema in self.folders(None).await? {
            for name in self.folders(Some(&Path::from(schema.as_str()))).await? {
                if let Some(table) = Table::open(&self.root, &schema, &name).await? {
                    tables.push((schema.clone(), name, table));
                }
            }
        }
        tables.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Ok(tables)
    }

    /// Folders that may hold a schema or a table.
    async fn folders(&self, below: Option<&Path>) -> Result<Vec<String>> {
        let place = || self.root.place();
        let listed = self.root.store()?.list_with_delimiter(below).await;
        let folders = listed.map_err(|error| Error::storage("list", place(), error))?.common_prefixes;
        let names = folders.iter().filter_map(|path| path.filename()).map(str::to_owned);
        Ok(names.filter(|name| !name.starts_with(['_', '.'])).collect())
    }
}
