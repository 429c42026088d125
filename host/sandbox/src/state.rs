//! The state behind one running instance: an empty world (no files, environment, arguments, sockets or standard
//! streams), the gate, the meters, and what the host functions need.

mod words;

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::describe::Description;
use crate::egress::{Egress, Gate, Trail};
use crate::engine::Engine;
use crate::limits::{Busy, Guard, Limits};
use crate::outlet::Outlet;

pub(crate) use words::LastWords;

/// Bytes of random numbers that a guest may draw at once.
const RANDOM_BYTES: u64 = 64 << 10;
/// Bytes of the headers of one request or answer.
const HEADER_BYTES: usize = 128 << 10;
/// Bytes beside the batch that one call to the host may carry: names, covers, messages.
const CALL_BYTES: usize = 16 << 20;

/// What a call is about.
pub(crate) struct Scene {
    /// The plugin's name, for messages.
    pub(crate) plugin: Arc<str>,
    /// The configuration as the guest sees it.
    pub(crate) settings: Arc<str>,
    /// What it declared; `None` while it is asked.
    pub(crate) description: Option<Arc<Description>>,
    /// Its way out; `None` while it describes itself.
    pub(crate) egress: Option<Arc<Egress>>,
    /// Who takes what it hands over; `None` where it has nothing to hand over.
    pub(crate) outlet: Option<Arc<dyn Outlet>>,
}

/// The state of one instance.
pub(crate) struct State {
    pub(crate) scene: Scene,
    pub(crate) limits: Limits,
    pub(crate) trail: Arc<Trail>,
    pub(crate) busy: Busy,
    pub(crate) words: LastWords,
    pub(crate) calls: u64,
    pub(crate) log_lines: u64,
    guard: Guard,
    gate: Gate,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl State {
    /// A fresh store for one call.
    pub(crate) fn store(engine: &Engine, scene: Scene, limits: &Limits) -> Store<Self> {
        let (trail, busy, words) = (Arc::new(Trail::default()), Busy::default(), LastWords::default());
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        let state = Self {
            gate: Gate::new(scene.egress.clone(), Arc::clone(&trail), busy.clone(), limits),
            scene,
            limits: limits.clone(),
            trail,
            busy: busy.clone(),
            wasi: wasi(&words),
            words,
            calls: 0,
            log_lines: 0,
            guard: Guard::new(limits),
            http,
            table,
        };
        let mut store = Store::new(engine.inner(), state);
        store.limiter(|state| &mut state.guard);
        store.set_hostcall_fuel(limits.emit_bytes.saturating_add(CALL_BYTES));
        store.set_max_component_handles(limits.handles);
        busy.watch(&mut store, limits.busy);
        store
    }
}

fn wasi(words: &LastWords) -> WasiCtx {
    WasiCtx::builder()
        .stderr(words.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(RANDOM_BYTES)
        .build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.gate }
    }
}
