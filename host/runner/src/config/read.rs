//! From a file that fits the schema to the typed configuration: paths made absolute, texts parsed, and the rules that a
//! schema cannot say, which span several keys or need the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_sandbox::QuietHours;

use super::durations::{self, Start};
use super::form::{self, Form};
use super::formats;
use super::typed::{Auth, Config, Ingestion, Login, Performance, Schedule, Sink, Source, StorageOptions, Tls};
use crate::secret;

/// Less would not hold one plugin instance and one page.
pub(super) const LEAST_MEMORY: u64 = 128 << 20;

/// What a schema cannot say, by pointer.
pub(super) type Wrong = (&'static str, String);

impl Config {
    /// Reads a value that fits the schema and has its defaults filled in.
    ///
    /// # Errors
    /// Rules that span several keys, and files that are not there.
    pub(super) fn read(
        file: String,
        folder: PathBuf,
        value: &Value,
        interpolated: &[&str],
    ) -> Result<Self, Vec<Wrong>> {
        let form: Form = serde_json::from_value(value.clone())
            .map_err(|_| vec![("", "does not have the form that the schema describes".to_owned())])?;
        let mut wrong = Vec::new();
        let source = Source { url: at("/source/url", formats::http_url(&form.source.url))? };
        let tls = Tls {
            ca_file: form.tls.ca_file.as_deref().map(|path| folder.join(path)),
            insecure_skip_verify: form.tls.insecure_skip_verify,
        };
        readable(&mut wrong, tls.ca_file.as_deref());
        let auth = auth(&mut wrong, form.auth);
        let audit = form.audit.map(|audit| folder.join(audit.file));
        writable(&mut wrong, audit.as_deref());
        let metrics = form.metrics.map(|metrics| folder.join(metrics.folder));
        if let Some(missing) = metrics.as_deref().filter(|metrics| !metrics.is_dir()) {
            wrong.push(("/metrics/folder", format!("there is no folder {}; make it first", missing.display())));
        }
        let ingestion = ingestion(&form.ingestion)?;
        let performance = performance(&mut wrong, &form.performance)?;
        let schedule = form.schedule.map(|form| schedule(&mut wrong, form)).transpose()?.flatten();
        let sink = sink(form.sink, &folder, interpolated)?;
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut config = Self {
            file,
            folder,
            name: form.name,
            plugin: form.plugin,
            settings: settings(value, &source),
            source,
            auth,
            tls,
            sink,
            ingestion,
            performance,
            audit,
            metrics,
            schedule,
            warnings: Vec::new(),
            unavailable: Vec::new(),
        };
        config.remark();
        Ok(config)
    }

    /// Notes what is allowed but unwise, and what this version cannot do.
    fn remark(&mut self) {
        let sends_credentials = !matches!(self.auth, Auth::Anonymous);
        let local = self.source.url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        if self.source.url.scheme() == "http" && sends_credentials && !local {
            self.warnings.push(
                "source.url: http:// sends the credentials readable by anybody on the way; use https://".to_owned(),
            );
        }
        if self.tls.insecure_skip_verify {
            self.warnings
                .push("tls.insecure_skip_verify: anybody in between can read the credentials; use ca_file".to_owned());
        }
        if let Auth::Later(kind) = self.auth {
            self.unavailable.push(format!(
                "auth.type: `{kind}` is not available yet in this version; use basic, bearer, session or anonymous"
            ));
        }
    }
}

/// For values that a format of the schema has looked at already: the first that is wrong ends the reading.
fn at<T>(pointer: &'static str, read: Result<T, String>) -> Result<T, Vec<Wrong>> {
    read.map_err(|what| vec![(pointer, what)])
}

fn readable(wrong: &mut Vec<Wrong>, path: Option<&Path>) {
    if let Some((path, error)) = path.and_then(|path| Some((path, std::fs::File::open(path).err()?))) {
        wrong.push(("/tls/ca_file", format!("cannot read {}: {error}", path.display())));
    }
}

/// A file that is written later, when there is something to write.
fn writable(wrong: &mut Vec<Wrong>, path: Option<&Path>) {
    let Some(path) = path else { return };
    let folder = path.parent().unwrap_or(path);
    if path.is_dir() {
        wrong.push(("/audit/file", format!("{} is a folder; name a file", path.display())));
    } else if !folder.is_dir() {
        wrong.push(("/audit/file", format!("there is no folder {}; make it first", folder.display())));
    }
}

fn auth(wrong: &mut Vec<Wrong>, form: form::Auth) -> Auth {
    match form {
        form::Auth::Basic { username, password } => Auth::Basic { username, password },
        form::Auth::Bearer { token, place } => Auth::Bearer { token, place },
        form::Auth::Session { username: Some(username), password: Some(password) } => {
            Auth::Session { login: Some(Login { username, password }) }
        }
        form::Auth::Session { username, password } => {
            if username.is_some() || password.is_some() {
                let what = "must have `username` and `password`, or neither for an anonymous session";
                wrong.push(("/auth", what.to_owned()));
            }
            Auth::Session { login: None }
        }
        form::Auth::Anonymous {} => Auth::Anonymous,
        form::Auth::Kerberos { .. } => Auth::Later("kerberos"),
        form::Auth::Oauth { .. } => Auth::Later("oauth"),
    }
}

fn sink(form: form::Sink, folder: &Path, interpolated: &[&str]) -> Result<Sink, Vec<Wrong>> {
    let location = if form.location.contains("://") {
        form.location
    } else {
        let path = std::path::absolute(folder.join(&form.location)).unwrap_or_else(|_| folder.join(&form.location));
        path.to_string_lossy().into_owned()
    };
    let checkpoint_table = form.checkpoint_table.map(|name| formats::table(&name)).transpose();
    let checkpoint_table = at("/sink/checkpoint_table", checkpoint_table)?;
    let storage_options = storage_options(form.storage_options, interpolated);
    let known = tidegate_sink::check_location(&location, &storage_options.0);
    at("/sink/location", known.map_err(|error| error.to_string()))?;
    Ok(Sink { location, storage_options, schema: form.schema, checkpoint_table })
}

/// Text, numbers and booleans alike become text, which is what an object store's client takes. What looks secret is
/// registered with the redactor; the rest (a region, `true`) would only blot out ordinary words.
fn storage_options(form: BTreeMap<String, Value>, interpolated: &[&str]) -> StorageOptions {
    let option = |(key, value): (String, Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = key.to_lowercase();
        let words = ["key", "secret", "token", "password", "sas", "credential"];
        let from_outside = interpolated.contains(&format!("/sink/storage_options/{key}").as_str());
        if from_outside || words.iter().any(|word| name.contains(word)) {
            secret::register(&text);
        }
        (key, text)
    };
    StorageOptions(form.into_iter().map(option).collect())
}

fn ingestion(form: &form::Ingestion) -> Result<Ingestion, Vec<Wrong>> {
    let start = match form.start.as_deref() {
        Some(text) => at("/ingestion/start", durations::time(text))?,
        None => Start::Ago(Duration::from_secs(u64::from(form.incremental_window_days) * 86_400)),
    };
    let lookback = at("/ingestion/lookback", durations::duration(&text(&form.lookback)))?;
    let every = durations::duration(&text(&form.full_lookback_every));
    let full_lookback_every = at("/ingestion/full_lookback_every", every)?;
    Ok(Ingestion { start, lookback, full_lookback_every, quality: form.quality, mirror: form.mirror })
}

fn performance(wrong: &mut Vec<Wrong>, form: &form::Performance) -> Result<Performance, Vec<Wrong>> {
    let memory_limit = at("/performance/memory_limit", durations::size(&text(&form.memory_limit)))?;
    if memory_limit < LEAST_MEMORY {
        wrong.push(("/performance/memory_limit", "must be at least 128MiB".to_owned()));
    }
    let quiet_hours = form.quiet_hours.iter().map(|hours| {
        let [from, to] = [&hours.from, &hours.to].map(|text| at("/performance/quiet_hours", formats::clock(text)));
        Ok(QuietHours { from: from?, to: to?, requests_per_second: hours.max_requests_per_second })
    });
    Ok(Performance {
        quiet_hours: quiet_hours.collect::<Result<_, Vec<Wrong>>>()?,
        batch_size: form.batch_size,
        max_count_per_request: form.max_count_per_request,
        parallel_batches: form.parallel_batches,
        max_requests_per_second: form.max_requests_per_second,
        commit_rows: form.commit_rows,
        memory_limit,
    })
}

fn schedule(wrong: &mut Vec<Wrong>, form: form::Schedule) -> Result<Option<Schedule>, Vec<Wrong>> {
    match (form.every, form.cron) {
        (Some(every), None) => {
            let every = at("/schedule/every", durations::duration(&every))?;
            if every.is_zero() {
                wrong.push(("/schedule/every", "must be longer than 0".to_owned()));
            }
            Ok(Some(Schedule::Every(every)))
        }
        (None, Some(cron)) => Ok(Some(Schedule::Cron(cron))),
        _ => {
            wrong.push(("/schedule", "must have `every` or `cron`, and not both".to_owned()));
            Ok(None)
        }
    }
}

/// The sections that concern a plugin. `auth`, `tls` and `sink` are none of its business.
fn settings(value: &Value, source: &Source) -> Value {
    let section = |name: &str| value.get(name).cloned().unwrap_or_else(|| json!({}));
    let mut settings =
        json!({"source": section("source"), "ingestion": section("ingestion"), "performance": section("performance")});
    if let Some(url) = settings.pointer_mut("/source/url") {
        // `Url` writes the root path as `/`; requests are relative to a base without one.
        *url = Value::from(source.url.as_str().trim_end_matches('/'));
    }
    settings
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
