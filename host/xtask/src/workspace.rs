//! Where things are, and how they are built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::remap;

/// The file that says which plugins may run.
pub(crate) const LOCK: &str = "plugins.lock";

/// The checkout and its cargo target folder.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// What `workspace.metadata.tidegate` of the root manifest says.
    metadata: Table,
}

/// Which of cargo's profiles the native programs are built with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("run me as `cargo xtask`")?);
        let root = manifest.ancestors().nth(2).context("xtask lies outside the workspace")?.to_owned();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let manifest: Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
        let metadata =
            ["workspace", "metadata", "tidegate"].iter().try_fold(&manifest, |table, key| table.get(*key)?.as_table());
        let metadata = metadata.context("Cargo.toml lacks workspace.metadata.tidegate")?.clone();
        Ok(Self { root, target, metadata })
    }

    /// The plugins that are shipped, in the order in which they are offered.
    pub(crate) fn shipped(&self) -> Vec<String> {
        self.names("plugins")
    }

    fn names(&self, key: &str) -> Vec<String> {
        let names = self.metadata.get(key).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A folder below the checkout's own `target/`, whatever cargo's target folder is.
    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    pub(crate) fn program(&self, name: &str, profile: Profile) -> PathBuf {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join(name)
    }

    /// The folder with what the tests load: bundles, the misbehaving programs by name, and the lock that vouches for them.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    /// A shipped plugin by its name.
    pub(crate) fn bundle(&self, plugin: &str) -> PathBuf {
        self.plugins().join(format!("{plugin}.tidegate"))
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Builds `tidegate` and `tidegate-sim`. The whole workspace is selected, as in the tests: another selection has other
    /// features of shared dependencies, and would build most of them a second time.
    pub(crate) fn build_programs_native(&self, profile: Profile) -> Result<()> {
        let mut cargo = self.cargo(["build", "--workspace", "--bins"]);
        if let Profile::Release = profile {
            cargo.arg("--release");
        }
        succeed(&mut cargo)
    }

    /// Builds the components of the shipped plugins; where they are, in their order.
    pub(crate) fn build_components(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut built = Vec::new();
        for name in self.shipped() {
            succeed(&mut self.cargo_plugin(["--package", &format!("tidegate-{name}"), "--lib"])?)?;
            let component = self.built().join(format!("tidegate_{name}.wasm"));
            built.push((name, component));
        }
        Ok(built)
    }

    /// Builds the programs, and packs the shipped plugins to `<target>/plugins/NAME.tidegate`, approved beside them.
    pub(crate) fn build_plugins(&self, profile: Profile) -> Result<()> {
        self.build_programs_native(profile)?;
        for (name, component) in self.build_components()? {
            let bundle = self.plugins().join(format!("{name}.tidegate"));
            let mut pack = self.tidegate(&self.plugins(), profile);
            succeed(pack.args(["plugin", "pack", "-o"]).arg(&bundle).arg(component))?;
            self.approve(&bundle, profile)?;
        }
        Ok(())
    }

    /// Builds the misbehaving plugins of the tests to `<target>/plugins/programs/NAME.wasm`, approved like the others.
    pub(crate) fn build_programs(&self) -> Result<()> {
        succeed(&mut self.cargo_plugin(["--package", "tidegate-programs", "--examples"])?)?;
        let (examples, unapproved) = (self.built().join("examples"), self.names("unapproved"));
        for entry in std::fs::read_dir(&examples).with_context(|| format!("cannot list {}", examples.display()))? {
            let path = entry?.path();
            let stem = path.file_stem().context("a file without a name")?.to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "wasm") && !stem.contains('-') {
                let place = self.plugins().join("programs").join(format!("{stem}.wasm"));
                copy(&path, &place)?;
                if !unapproved.contains(&stem) {
                    self.approve(&place, Profile::Dev)?;
                }
            }
        }
        Ok(())
    }

    /// `tidegate` for a configuration in `folder`, whether there is one yet or not.
    pub(crate) fn tidegate(&self, folder: &Path, profile: Profile) -> Command {
        let mut command = Command::new(self.program("tidegate", profile));
        command.arg("-c").arg(folder.join("tidegate.yaml")).env("XDG_CACHE_HOME", self.target.join("cache"));
        command
    }

    /// Has what was built here vouched for beside a configuration in `folder`.
    pub(crate) fn vouch(&self, folder: &Path) -> Result<()> {
        copy(&self.plugins().join(LOCK), &folder.join(LOCK))
    }

    fn approve(&self, plugin: &Path, profile: Profile) -> Result<()> {
        succeed(self.tidegate(&self.plugins(), profile).args(["plugin", "approve"]).arg(plugin))
    }

    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.root);
        // What `cargo xtask` says about this package must not reach other packages' build scripts: ring's runs again
        // whenever these differ, and two thirds of the tree with it.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    fn cargo_plugin<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let mut command = self.cargo(["build", "--target", "wasm32-wasip2", "--profile", "plugin"]);
        command.args(arguments).arg("--target-dir").arg(self.plugins().join("build"));
        command.arg("--config").arg(remap::config(self)?);
        Ok(command)
    }

    fn built(&self) -> PathBuf {
        self.plugins().join("build/wasm32-wasip2/plugin")
    }
}

/// Runs a command and fails with its words when it does.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Copies a file, creating the folder it goes to.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
