//! The calls into a plugin. Each runs in a fresh instance, so nothing leaks from one to the next and any number run
//! side by side; whatever ends a call early comes back as a fault that a person understands.

use std::collections::HashSet;
use std::sync::Arc;

use tidegate_model::{Fault, Span};
use wasmtime::Store;

use crate::bindings::plugin::{Guest, Partition as GuestPartition};
use crate::convert;
use crate::describe::printable;
use crate::egress::Egress;
use crate::outlet::{Bookmarked, Catalogue, Change, Counts, Finding, Outcome, Outlet, Partition};
use crate::plugin::Plugin;
use crate::state::{Scene, State};
use crate::stop;

/// A plugin with its configuration and its way out.
#[derive(Clone)]
pub struct Connection {
    plugin: Plugin,
    settings: Arc<str>,
    egress: Arc<Egress>,
}

/// The exports of an instance, and the store that it lives in.
struct Call<'a> {
    guest: &'a Guest,
    store: &'a mut Store<State>,
}

impl Connection {
    pub(crate) fn new(plugin: Plugin, settings: Arc<str>, egress: Arc<Egress>) -> Self {
        Self { plugin, settings, egress }
    }

    /// Asks the server for real: what works, what does not, what to do. What the gate itself refused or could not
    /// reach is a finding of its own.
    ///
    /// # Errors
    /// When the plugin crashed or hit a limit.
    pub async fn check(&self) -> Result<Vec<Finding>, Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_check(&mut *call.store).await?;
            Ok(with_notes(said.into_iter().map(convert::finding).collect(), call.store.data()))
        };
        let mut findings = self.call("check the server", None, call).await?;
        findings.extend(self.egress.compresses().await.map(compression));
        Ok(findings)
    }

    /// The declared tables that the configuration asks for; no request is made.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early; also a table that it does not declare.
    pub async fn wanted(&self) -> Result<Vec<String>, Fault> {
        let call = async |call: Call<'_>| {
            let said = match call.guest.call_wanted(&mut *call.store).await? {
                Ok(said) => said,
                Err(fault) => return Ok(Err(reported(fault, call.store.data()))),
            };
            let declared = |table: &String| self.plugin.description().table(table).is_some();
            match said.iter().find(|table| !declared(table)) {
                Some(other) => Err(stop::Stop::contract(format!(
                    "it wants the table `{}`, which it does not declare",
                    printable(other)
                ))
                .into()),
                None => Ok(Ok(said)),
            }
        };
        self.call("say which tables are wanted", None, call).await?
    }

    /// Has the plugin emit all rows of snapshot tables. A fault concerns those that are not complete by then.
    ///
    /// # Errors
    /// The plugin's fault, the outlet's, or why the call ended early.
    pub async fn refresh(&self, tables: &[String], outlet: Arc<dyn Outlet>) -> Result<(), Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_refresh(&mut *call.store, tables).await?;
            Ok(said.map_err(|fault| reported(fault, call.store.data())))
        };
        self.call("refresh tables", Some(outlet), call).await?
    }

    /// Has the plugin report what the historian holds. `kind` is one of its `Description::kinds`; `pattern` may hold `*`
    /// and `?`.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early.
    pub async fn discover(&self, kind: &str, pattern: &str, outlet: Arc<dyn Outlet>) -> Result<(), Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_discover(&mut *call.store, kind, pattern).await?;
            Ok(said.map_err(|fault| reported(fault, call.store.data())))
        };
        self.call("discover", Some(outlet), call).await?
    }

    /// Resolves what the configuration selects for `table`; snapshot tables that describe it are emitted on the way.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early.
    pub async fn series(&self, table: &str, outlet: Arc<dyn Outlet>) -> Result<Catalogue, Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_resolve(&mut *call.store, table).await?;
            let state = call.store.data();
            let convert = |said: crate::bindings::plugin::Catalogue| Catalogue {
                series: said.series.into_iter().map(|series| Arc::new(convert::series(series))).collect(),
                unresolved: said.unresolved.into_iter().map(|it| (it.name, reported(it.fault, state))).collect(),
            };
            Ok(said.map(convert).map_err(|fault| reported(fault, state)))
        };
        self.call("list the series", Some(outlet), call).await?
    }

    /// What has happened to series since their bookmarks, as hints.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early; also changes of something that nobody asked about.
    pub async fn changes(&self, table: &str, series: &[Bookmarked]) -> Result<Vec<Change>, Fault> {
        let call = async |call: Call<'_>| {
            let asked = convert::bookmarks_to_guest(series);
            let said = match call.guest.call_changes(&mut *call.store, table, &asked).await? {
                Ok(said) => convert::changes(said, series).map_err(stop::Stop::contract)?,
                Err(fault) => return Ok(Err(reported(fault, call.store.data()))),
            };
            Ok(Ok(said))
        };
        self.call("tell what changed", None, call).await?
    }

    /// Groups spans into units of work.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early; also a plan for something that nobody asked for.
    pub async fn plan(&self, table: &str, spans: Vec<Span>) -> Result<Vec<Partition>, Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_plan(&mut *call.store, table, &convert::to_guest(&spans)).await?;
            let said = match said {
                Ok(said) => convert::partitions(said, &spans).map_err(stop::Stop::contract)?,
                Err(fault) => return Ok(Err(reported(fault, call.store.data()))),
            };
            Ok(Ok(said))
        };
        self.call("plan", None, call).await?
    }

    /// Reads a partition. A fault concerns every span that is not covered by then.
    ///
    /// # Errors
    /// The plugin's fault, the outlet's, or why the call ended early.
    pub async fn read(&self, table: &str, partition: &Partition, outlet: Arc<dyn Outlet>) -> Result<(), Fault> {
        let call = async |call: Call<'_>| {
            let partition = GuestPartition { spans: convert::to_guest(&partition.spans), requests: partition.requests };
            let said = call.guest.call_read(&mut *call.store, table, &partition).await?;
            Ok(said.map_err(|fault| reported(fault, call.store.data())))
        };
        self.call("read a partition", Some(outlet), call).await?
    }

    /// Has the historian count the events of `spans`, each cut at the whole multiples of `width` nanoseconds since the Unix
    /// epoch, as [`Interval::buckets`](tidegate_model::Interval::buckets) does.
    ///
    /// # Errors
    /// The plugin's fault, or why it ended early; also numbers that are not one for each bucket.
    pub async fn count(&self, table: &str, spans: &[Span], width: u64) -> Result<Counts, Fault> {
        let call = async |call: Call<'_>| {
            let said = call.guest.call_count(&mut *call.store, table, &convert::to_guest(spans), width).await?;
            let state = call.store.data();
            match said {
                Ok(said) => {
                    let counts = convert::counts(said, spans, width, |fault| reported(fault, state));
                    Ok(Ok(counts.map_err(stop::Stop::contract)?))
                }
                Err(fault) => Ok(Err(reported(fault, state))),
            }
        };
        self.call("count events", None, call).await?
    }

    /// Of these keys of a table of records, those of which the historian says that they do not exist any more.
    ///
    /// # Errors
    /// The plugin's fault, or why the call ended early: then nothing is known of any. Also a key that nobody asked for.
    pub async fn gone(&self, table: &str, keys: &[String]) -> Result<Vec<String>, Fault> {
        let call = async |call: Call<'_>| {
            let said = match call.guest.call_gone(&mut *call.store, table, keys).await? {
                Ok(said) => said,
                Err(fault) => return Ok(Err(reported(fault, call.store.data()))),
            };
            let asked: HashSet<&String> = keys.iter().collect();
            match said.iter().find(|key| !asked.contains(key)) {
                Some(other) => Err(stop::Stop::contract(format!(
                    "it says that `{}` is gone, which nobody asked for",
                    printable(other)
                ))
                .into()),
                None => Ok(Ok(said)),
            }
        };
        self.call("ask for deleted records", None, call).await?
    }

    /// Runs `call` in a fresh instance.
    async fn call<T, F>(&self, doing: &str, outlet: Option<Arc<dyn Outlet>>, call: F) -> Result<T, Fault>
    where
        F: AsyncFnOnce(Call<'_>) -> wasmtime::Result<T>,
    {
        let description = self.plugin.shared_description();
        let name: Arc<str> = description.name.as_str().into();
        let scene = Scene {
            plugin: Arc::clone(&name),
            settings: Arc::clone(&self.settings),
            description: Some(description),
            egress: Some(Arc::clone(&self.egress)),
            outlet,
        };
        let mut store = State::store(&self.plugin.engine, scene, &self.plugin.limits);
        let outcome = async {
            let instance = self.plugin.pre.instantiate_async(&mut store).await?;
            call(Call { guest: instance.tidegate_historian_plugin(), store: &mut store }).await
        };
        let outcome = outcome.await;
        outcome.map_err(|error| stop::fault(&name, doing, &error, &store.data().words.text()))
    }
}

/// A fault that the guest reports, completed with what the gate knows.
fn reported(said: crate::bindings::types::Fault, state: &State) -> Fault {
    state.trail.complete(convert::fault(said))
}

fn compression(yes: bool) -> Finding {
    let (outcome, detail, advice) = if yes {
        (Outcome::Ok, "answers come compressed (gzip)", "")
    } else {
        let advice =
            "ask the administrator of the server, or of a proxy before it, for gzip: answers shrink to a tenth";
        (Outcome::Warning, "answers come uncompressed", advice)
    };
    Finding { subject: "compression".to_owned(), outcome, detail: detail.to_owned(), advice: advice.to_owned() }
}

/// Findings together with what the gate saw and no finding tells.
fn with_notes(mut findings: Vec<Finding>, state: &State) -> Vec<Finding> {
    let failed = findings.iter().any(|finding| finding.outcome == Outcome::Failed);
    let mut told = Vec::new();
    for note in state.trail.all() {
        let known = findings.iter().any(|finding| finding.detail.contains(&note.fault.message));
        // A server that cannot be reached fails every request in the same way: once is enough.
        if known || told.contains(&note.fault.code) {
            continue;
        }
        told.push(note.fault.code);
        findings.push(Finding {
            subject: "connection".to_owned(),
            outcome: if failed { Outcome::Failed } else { Outcome::Warning },
            detail: note.fault.message,
            advice: note.advice,
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent<T: Send>(value: T) -> T {
        value
    }

    // Never run: it is enough that it compiles.
    #[expect(dead_code, reason = "a proof for the compiler")]
    fn calls_may_run_on_any_thread(connection: &Connection, partition: &Partition, outlet: Arc<dyn Outlet>) {
        drop(sent(connection.check()));
        drop(sent(connection.discover("tags", "*", Arc::clone(&outlet))));
        drop(sent(connection.series("t", Arc::clone(&outlet))));
        drop(sent(connection.changes("t", &[])));
        drop(sent(connection.plan("t", Vec::new())));
        drop(sent(connection.read("t", partition, outlet)));
        drop(sent(connection.count("t", &partition.spans, 1)));
        drop(sent(connection.gone("t", &[])));
    }
}
