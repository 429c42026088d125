//! Where things are, and how they are built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The plugins that are shipped, by name.
pub(crate) const PLUGINS: [&str; 2] = ["pi", "canary"];

/// The checkout and its cargo target folder.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
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
        Ok(Self { root, target })
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

    /// The folder with the built components: `pi.tidegate` and its like, and the misbehaving ones by name.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    /// A shipped plugin by its name.
    pub(crate) fn bundle(&self, plugin: &str) -> PathBuf {
        self.plugins().join(format!("{plugin}.tidegate"))
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

    /// Builds the shipped plugins to `<target>/plugins/NAME.tidegate`.
    pub(crate) fn build_plugins(&self) -> Result<()> {
        for plugin in PLUGINS {
            succeed(&mut self.cargo_plugin(["--package", &format!("tidegate-{plugin}"), "--lib"]))?;
            copy(&self.built().join(format!("tidegate_{plugin}.wasm")), &self.bundle(plugin))?;
        }
        Ok(())
    }

    /// Builds the misbehaving plugins of the tests to `<target>/plugins/programs/NAME.wasm`.
    pub(crate) fn build_programs(&self) -> Result<()> {
        succeed(&mut self.cargo_plugin(["--package", "tidegate-programs", "--examples"]))?;
        let examples = self.built().join("examples");
        for entry in std::fs::read_dir(&examples).with_context(|| format!("cannot list {}", examples.display()))? {
            let path = entry?.path();
            let hashed = path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains('-'));
            if path.extension().is_some_and(|extension| extension == "wasm") && !hashed {
                let name = path.file_name().context("a file without a name")?.to_owned();
                copy(&path, &self.plugins().join("programs").join(name))?;
            }
        }
        Ok(())
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

    fn cargo_plugin<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.cargo(["build", "--target", "wasm32-wasip2", "--profile", "plugin"]);
        command.args(arguments).arg("--target-dir").arg(self.plugins().join("build"));
        command
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
