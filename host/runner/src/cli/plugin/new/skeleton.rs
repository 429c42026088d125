//! The files of a new plugin. Its source is the code of the SDK's tutorial, which the tests compile; the SDK and the
//! contract come along, so that it fits this very program and needs nothing but crates.io to build.

use anyhow::{Context, Result, bail};
use include_dir::{Dir, include_dir};
use toml::{Table, Value};

const SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest/sdk");
const WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");
/// The workspace that the SDK was tested in: versions of what it depends on.
const WORKSPACE: &str = include_str!("../../../../../../Cargo.toml");
const LOCK: &str = include_str!("../../../../../../Cargo.lock");
const TOOLCHAIN: &str = include_str!("../../../../../../rust-toolchain.toml");
const README: &str = include_str!("README.md");

/// Where the SDK lies in the new plugin. The contract is looked for two folders above.
const VENDORED: &str = "vendor/tidegate-sdk";

/// Relative paths and texts.
pub(super) fn files(name: &str) -> Result<Vec<(String, String)>> {
    let workspace: Table = WORKSPACE.parse()?;
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest(name, &workspace)?),
        ("Cargo.lock".to_owned(), LOCK.to_owned()),
        ("rust-toolchain.toml".to_owned(), TOOLCHAIN.to_owned()),
        (".cargo/config.toml".to_owned(), CARGO.to_owned()),
        (".gitignore".to_owned(), "/target\n*.tidegate\n".to_owned()),
        ("README.md".to_owned(), README.replace("NAME", name)),
        ("src/lib.rs".to_owned(), source(name)?),
    ];
    copy(&SDK, VENDORED, &mut files)?;
    copy(&WIT, "wit", &mut files)?;
    let vendored = format!("{VENDORED}/Cargo.toml");
    if let Some((_, text)) = files.iter_mut().find(|(path, _)| *path == vendored) {
        *text = standalone(text, &workspace)?;
    }
    Ok(files)
}

/// A third of a plugin's speed is SIMD.
const CARGO: &str = "[target.wasm32-wasip2]\nrustflags = [\"-C\", \"target-feature=+simd128\"]\n";

fn copy(from: &Dir<'_>, to: &str, files: &mut Vec<(String, String)>) -> Result<()> {
    for file in from.files() {
        let text = file.contents_utf8().with_context(|| format!("{} is no text", file.path().display()))?;
        files.push((format!("{to}/{}", file.path().display()), text.to_owned()));
    }
    from.dirs().try_for_each(|folder| copy(folder, to, files))
}

fn manifest(name: &str, workspace: &Table) -> Result<String> {
    let mut package = Table::new();
    for (key, value) in [("name", name), ("version", "0.1.0"), ("license", "Apache-2.0")] {
        package.insert(key.to_owned(), value.into());
    }
    for key in ["edition", "rust-version"] {
        package.insert(key.to_owned(), inherited(workspace, "package", key)?);
    }
    let mut dependencies = Table::from_iter([(
        "tidegate-sdk".to_owned(),
        Value::from(Table::from_iter([("path".to_owned(), Value::from(VENDORED))])),
    )]);
    for key in ["serde", "serde_json"] {
        dependencies.insert(key.to_owned(), inherited(workspace, "dependencies", key)?);
    }
    let plugin = at(workspace, &["profile", "plugin"])?.as_table().cloned().unwrap_or_default();
    let release: Table = plugin.into_iter().filter(|(key, _)| key != "inherits").collect();
    let manifest = Table::from_iter([
        ("package".to_owned(), Value::from(package)),
        ("lib".to_owned(), Value::from(Table::from_iter([("crate-type".to_owned(), Value::from(vec!["cdylib"]))]))),
        ("dependencies".to_owned(), Value::from(dependencies)),
        ("profile".to_owned(), Value::from(Table::from_iter([("release".to_owned(), Value::from(release))]))),
        // It is a workspace of its own, wherever it lies.
        ("workspace".to_owned(), Value::from(Table::new())),
    ]);
    Ok(toml::to_string(&manifest)?)
}

/// The SDK's manifest without its workspace.
fn standalone(text: &str, workspace: &Table) -> Result<String> {
    let mut manifest: Table = text.parse()?;
    manifest.remove("lints");
    for section in ["package", "dependencies"] {
        let Some(Value::Table(table)) = manifest.get_mut(section) else { bail!("the SDK has no {section}") };
        for (key, value) in table.iter_mut() {
            let own = value.as_table().filter(|own| own.get("workspace") == Some(&Value::from(true))).cloned();
            let Some(own) = own else { continue };
            *value = with(inherited(workspace, section, key)?, own);
        }
    }
    Ok(toml::to_string(&manifest)?)
}

/// What the workspace says, and what the crate adds to it.
fn with(inherited: Value, mut own: Table) -> Value {
    own.remove("workspace");
    if own.is_empty() {
        return inherited;
    }
    let mut merged = match inherited {
        Value::Table(table) => table,
        version => Table::from_iter([("version".to_owned(), version)]),
    };
    merged.extend(own);
    Value::from(merged)
}

fn inherited(workspace: &Table, section: &str, key: &str) -> Result<Value> {
    at(workspace, &["workspace", section, key]).cloned()
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Result<&'a Value> {
    let (first, rest) = path.split_first().context("no path")?;
    let value = table.get(*first).with_context(|| format!("the workspace has no {first}"))?;
    match (rest, value) {
        ([], value) => Ok(value),
        (rest, Value::Table(table)) => at(table, rest),
        _ => bail!("{first} of the workspace is no table"),
    }
}

/// The tutorial's code, under the name of the plugin.
fn source(name: &str) -> Result<String> {
    let lib = SDK.get_file("src/lib.rs").and_then(|file| file.contents_utf8()).context("the SDK has no lib.rs")?;
    let docs = lib.lines().map_while(|line| line.strip_prefix("//!"));
    let code = docs.skip_while(|line| line.trim() != "```").skip(1).take_while(|line| line.trim() != "```");
    let code: String = code.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
    if !code.contains("register_extractor!(Boiler)") {
        bail!("the SDK's tutorial holds no plugin");
    }
    let about = "//! A plugin for Tidegate. Every call may meet a fresh instance; `vendor/tidegate-sdk` explains each step.\n\n";
    Ok(format!("{about}{}", code.replace("Boiler", &camel(name)).replace("boiler", name)))
}

/// `acme_scada` becomes `AcmeScada`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(files: &[(String, String)], path: &str) -> String {
        files.iter().find(|(known, _)| known == path).unwrap_or_else(|| panic!("no {path}")).1.clone()
    }

    #[test]
    fn the_sdk_comes_along_with_the_versions_of_its_workspace() {
        let files = files("acme").unwrap();
        let sdk: Table = file(&files, "vendor/tidegate-sdk/Cargo.toml").parse().unwrap();
        let workspace: Table = WORKSPACE.parse().unwrap();
        let text = sdk.to_string();
        assert!(!text.contains("workspace") && !text.contains("lints"), "{text}");
        let version = at(&workspace, &["workspace", "dependencies", "wit-bindgen"]).unwrap();
        assert_eq!(at(&sdk, &["dependencies", "wit-bindgen"]).unwrap(), version);
        for path in
            ["vendor/tidegate-sdk/src/lib.rs", "vendor/tidegate-sdk/src/http.rs", "wit/plugin.wit", "wit/deps/http.wit"]
        {
            assert!(!file(&files, path).is_empty());
        }
    }

    #[test]
    fn the_source_is_the_tutorial_under_another_name() {
        let source = source("acme_scada").unwrap();
        assert!(source.contains("impl Extractor for AcmeScada {") && source.contains("name: \"acme_scada\".into()"));
        assert!(source.ends_with("register_extractor!(AcmeScada);\n"), "{source}");
        assert!(!source.to_lowercase().contains("boiler"));
    }

    #[test]
    fn a_crate_adds_features_to_what_its_workspace_says() {
        let own = |text: &str| text.parse::<Table>().unwrap();
        let merged = with(Value::from("1"), own("workspace = true\nfeatures = [\"x\"]"));
        assert_eq!(merged, Value::from(own("version = \"1\"\nfeatures = [\"x\"]")));
        assert_eq!(with(Value::from("1"), own("workspace = true")), Value::from("1"));
    }
}
