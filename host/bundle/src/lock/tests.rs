//! What a lock lets run and what it refuses, and its file.

use super::*;
use crate::bundle::Bundle;
use crate::bundle::tests::{bundle, key, said};
use crate::keys::SigningKey;
use crate::manifest::{Capability, Manifest, Session};

fn lock(folder: &Path, text: &str) -> Result<Lock, Error> {
    std::fs::write(folder.join(NAME), text).unwrap();
    Lock::read(folder)
}

fn locks(own: Lock) -> Locks {
    Locks { own, shipped: None }
}

fn found(bundle: &Bundle) -> Found<'_> {
    Found { source: "demo.tidegate", bundle: Some(bundle), digest: bundle.digest() }
}

fn entry(bundle: &Bundle) -> Entry {
    Entry::of(&bundle.manifest().unwrap(), bundle.digest().clone(), "demo.tidegate".to_owned())
}

/// An empty lock in a folder that is gone afterwards.
fn empty() -> Lock {
    Lock::read(Path::new("/nowhere")).unwrap()
}

fn signed(key: &SigningKey) -> Bundle {
    let mut bundle = bundle();
    bundle.sign(key).unwrap();
    bundle
}

/// The same plugin, a version later and with one request more.
fn later() -> Bundle {
    let mut said: Manifest = said();
    said.version = "0.2.0".to_owned();
    said.capabilities.push(Capability { method: "GET".to_owned(), path: "/streams/*/value".to_owned() });
    Bundle::pack(crate::bundle::tests::COMPONENT.to_vec(), &said).unwrap()
}

#[test]
fn what_has_no_entry_is_refused_and_what_it_asks_for_is_shown() {
    let refusal = locks(empty()).judge(found(&bundle())).unwrap_err();
    assert_eq!(refusal.reason, "/nowhere/plugins.lock has no entry for it");
    let lines = refusal.to_string();
    for line in ["+ plugin      demo", "+ version     0.1.0", "+ signer      nobody", "+ capability  GET /points/*"] {
        assert!(lines.contains(line), "{lines}");
    }
}

#[test]
fn what_is_approved_runs_and_another_digest_does_not() {
    let mut own = empty();
    own.approve(entry(&bundle()));
    let locks = locks(own);
    assert_eq!(locks.judge(found(&bundle())).unwrap().entry.version, "0.1.0");
    let refusal = locks.judge(found(&later())).unwrap_err();
    assert_eq!(refusal.reason, "/nowhere/plugins.lock approves another digest of `demo`");
    let expected = [
        "~ version     0.1.0 -> 0.2.0".to_owned(),
        format!("~ digest      {} -> {}", bundle().digest(), later().digest()),
        "+ capability  GET /streams/*/value".to_owned(),
    ];
    assert_eq!(refusal.difference, expected);
}

#[test]
fn an_approval_says_what_changes_and_nothing_when_nothing_does() {
    let mut own = empty();
    assert!(!own.approve(entry(&bundle())).is_empty());
    assert_eq!(own.approve(entry(&bundle())), Vec::<String>::new());
    let lines = own.approve(entry(&later()));
    assert!(lines.contains(&"+ capability  GET /streams/*/value".to_owned()), "{lines:?}");
    let lines = own.approve(entry(&bundle()));
    assert!(lines.contains(&"- capability  GET /streams/*/value".to_owned()), "{lines:?}");
    assert_eq!(own.entries().len(), 1);
}

#[test]
fn a_signer_who_was_approved_must_have_signed() {
    let (mine, other) = (key(), key());
    let mut own = empty();
    own.trust(Signer { name: "acme".to_owned(), key: mine.public().clone() }).unwrap();
    assert_eq!(own.signatures(), Signatures::Required);
    own.approve(Entry { signer: Some("acme".to_owned()), ..entry(&bundle()) });
    let mut locks = locks(own);
    locks.judge(found(&signed(&mine))).unwrap();
    for bundle in [bundle(), signed(&other)] {
        let refusal = locks.judge(found(&bundle)).unwrap_err();
        assert!(refusal.reason.contains("wants it signed by `acme`, and it is not"), "{refusal}");
        assert!(refusal.to_string().contains("~ signer      acme -> "), "{refusal}");
    }
    locks.own.signers.clear();
    let refusal = locks.judge(found(&signed(&mine))).unwrap_err();
    assert!(refusal.reason.contains("does not know the signer `acme`"), "{refusal}");
}

#[test]
fn where_signatures_are_required_nothing_unsigned_runs() {
    let mut own = empty();
    own.approve(entry(&bundle()));
    own.signatures = Signatures::Required;
    let refusal = locks(own.clone()).judge(found(&bundle())).unwrap_err();
    assert!(refusal.reason.contains("requires a signature"), "{refusal}");
    // Also of a bare component, and where the lock beside the program would not mind.
    let digest = Digest::of(b"component");
    own.approve(Entry { name: "bare".to_owned(), digest: digest.clone(), ..entry(&bundle()) });
    let bare = Found { source: "bare.wasm", bundle: None, digest: &digest };
    assert!(locks(own.clone()).judge(bare).is_err());
    let mut shipped = empty();
    shipped.approve(entry(&bundle()));
    own.entries.clear();
    assert!(Locks { own, shipped: Some(shipped) }.judge(found(&bundle())).is_err());
}

#[test]
fn a_key_is_known_by_one_name_and_a_name_by_one_key() {
    let mut own = empty();
    let signer = |key: &SigningKey| Signer { name: "acme".to_owned(), key: key.public().clone() };
    let mine = key();
    own.trust(signer(&mine)).unwrap();
    own.trust(signer(&mine)).unwrap();
    assert_eq!(own.signers().len(), 1);
    let error = own.trust(signer(&key())).unwrap_err().to_string();
    assert!(error.contains("another key is known as `acme`"), "{error}");
}

#[test]
fn the_operators_lock_comes_before_the_one_beside_the_program() {
    let (mut own, mut shipped) = (empty(), empty());
    shipped.approve(entry(&later()));
    let locks = |own: &Lock| Locks { own: own.clone(), shipped: Some(shipped.clone()) };
    locks(&own).judge(found(&later())).unwrap();
    own.approve(entry(&bundle()));
    locks(&own).judge(found(&bundle())).unwrap();
    assert!(locks(&own).judge(found(&later())).is_err());
}

#[test]
fn a_bare_component_is_known_by_its_digest() {
    let digest = Digest::of(b"component");
    let mut own = empty();
    own.approve(Entry { digest: digest.clone(), source: "demo.wasm".to_owned(), ..entry(&bundle()) });
    let locks = locks(own);
    let bare = |digest| Found { source: "demo.wasm", bundle: None, digest };
    locks.judge(bare(&digest)).unwrap();
    let other = Digest::of(b"other");
    let refusal = locks.judge(bare(&other)).unwrap_err();
    assert_eq!(refusal.difference, [format!("~ digest      {digest} -> {other}")]);
}

#[test]
fn credentials_go_only_where_that_was_approved() {
    let mut said = said();
    let vouched = Vouched { entry: Entry::of(&said, Digest::of(b""), String::new()) };
    vouched.agrees_with(&said).unwrap();
    said.token_member = Some("apiToken".to_owned());
    let refusal = vouched.agrees_with(&said).unwrap_err();
    assert_eq!(
        refusal.difference,
        ["+ credentials the token given by the operator, as `apiToken` in the body of each request"]
    );
    let call = |path: &str| Capability { method: "POST".to_owned(), path: path.to_owned() };
    said.session = Some(Session {
        login: call("/getUserToken"),
        login_body: serde_json::json!({}),
        username_member: "username".to_owned(),
        password_member: "password".to_owned(),
        token_member: "userToken".to_owned(),
        logout: Some(call("/revokeUserToken")),
        expired_member: "statusCode".to_owned(),
        expired_value: "BadUserToken".to_owned(),
    });
    let vouched = Vouched { entry: Entry::of(&said, Digest::of(b""), String::new()) };
    vouched.agrees_with(&said).unwrap();
    said.session.as_mut().unwrap().login = call("/elsewhere");
    let refusal = vouched.agrees_with(&said).unwrap_err();
    assert!(refusal.to_string().contains("`username` and `password` to POST /elsewhere"), "{refusal}");
}

#[test]
fn a_plugin_that_asks_for_more_than_is_approved_does_not_run() {
    let said = said();
    let mut entry = entry(&bundle());
    // More than it asks for is no reason to refuse it.
    entry.capabilities.push("GET /unused".to_owned());
    let mut vouched = Vouched { entry };
    vouched.agrees_with(&said).unwrap();
    vouched.entry.capabilities.retain(|line| line != "GET /points/*");
    let refusal = vouched.agrees_with(&said).unwrap_err();
    assert_eq!(refusal.reason, "it asks for requests that are not approved");
    assert_eq!(refusal.difference, ["+ capability  GET /points/*", "- capability  GET /unused"]);
}

#[test]
fn nothing_that_a_bundle_says_moves_the_cursor_of_a_reviewer() {
    let mut said = said();
    let path = "/a\n- capability  POST /batch\u{1b}[2J".to_owned();
    said.capabilities.push(Capability { method: "GET".to_owned(), path });
    let bundle = Bundle::pack(crate::bundle::tests::COMPONENT.to_vec(), &said).unwrap();
    let mut own = empty();
    for lines in [own.approve(entry(&bundle)), locks(empty()).judge(found(&bundle)).unwrap_err().difference] {
        assert!(lines.iter().any(|line| line.contains("GET /a")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains(char::is_control)), "{lines:?}");
    }
}

#[test]
fn a_name_or_version_that_could_be_taken_for_something_else_is_refused() {
    let packed = |change: &dyn Fn(&mut Manifest)| {
        let mut said = said();
        change(&mut said);
        let bundle = Bundle::pack(crate::bundle::tests::COMPONENT.to_vec(), &said).unwrap();
        bundle.manifest().unwrap_err().to_string()
    };
    for name in ["", "Pi", "9a", "p i", "pi\nsigned by acme", "../pi", &"a".repeat(65)] {
        let error = packed(&|said| said.name = name.to_owned());
        assert!(error.contains("in its manifest is none (a-z") && !error.contains('\n'), "{name}: {error}");
    }
    for version in ["", "1 0", "1\nsigned by acme", "1\u{1b}[2J", "1\u{202e}0", &"1".repeat(65)] {
        let error = packed(&|said| said.version = version.to_owned());
        assert!(error.contains("printable ASCII") && !error.contains(char::is_control), "{version}: {error}");
    }
}

#[test]
fn another_version_than_the_approved_one_does_not_run_under_its_digest() {
    let vouched = Vouched { entry: entry(&bundle()) };
    let mut said = said();
    said.version = "0.2.0".to_owned();
    let refusal = vouched.agrees_with(&said).unwrap_err();
    assert_eq!(refusal.reason, "what is approved as `demo` 0.1.0 is `demo` 0.2.0");
}

#[test]
fn the_file_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut own = Lock::read(folder.path()).unwrap();
    assert!(!own.exists());
    own.trust(Signer { name: "acme".to_owned(), key: key().public().clone() }).unwrap();
    own.approve(Entry { signer: Some("acme".to_owned()), ..entry(&later()) });
    own.approve(Entry { name: "another".to_owned(), ..entry(&bundle()) });
    own.write().unwrap();
    let text = std::fs::read_to_string(own.path()).unwrap();
    assert!(text.starts_with("# Which plugins may run here") && text.contains("signatures = \"required\""), "{text}");
    assert!(text.contains("    \"GET /streams/*/value\",\n"), "a request a line: {text}");
    let read = Lock::read(folder.path()).unwrap();
    assert_eq!((read.entries(), read.signers()), (own.entries(), own.signers()));
    read.write().unwrap();
    assert_eq!(std::fs::read_to_string(own.path()).unwrap(), text);
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = "[[plugin]]\nname = \"a\"\nversion = \"1\"\nsource = \"a\"\n";
    let digest = format!("digest = \"{}\"\n", Digest::of(b""));
    for (text, words) in [
        ("", "missing field `version`"),
        ("version = 2\nlater = true", "the form 2"),
        ("version = 1\nmore = 1", "unknown field `more`"),
        ("version = 1\nsignatures = \"maybe\"", "unknown variant `maybe`"),
        (&format!("version = 1\n{plugin}"), "missing field `digest`"),
        (&format!("version = 1\n{plugin}digest = \"latest\""), "64 hexadecimal digits"),
        (&format!("version = 1\n{plugin}{digest}{plugin}{digest}"), "plugin `a` stands there twice"),
        ("version = 1\n[[signer]]\nname = \"a\"", "either a `key` or a `key_file`"),
        ("version = 1\n[[signer]]\nname = \"a\"\nkey = \"x\"", "signer `a`: it holds no public key"),
        ("version = 1\n[[signer]]\nname = \"a\"\nkey_file = \"a.pub\"", "a.pub"),
    ] {
        let error = lock(folder.path(), text).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("plugins.lock"), "{text}: {error}");
    }
}

#[test]
fn a_missing_list_allows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"");
    let text =
        format!("version = 1\n[[plugin]]\nname = \"a\"\nversion = \"1\"\nsource = \"a\"\ndigest = \"{digest}\"\n");
    let read = lock(folder.path(), &text).unwrap();
    let entry = read.entry("a").unwrap();
    assert!(entry.capabilities.is_empty() && entry.credentials.is_empty());
}

#[test]
fn a_key_may_lie_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let key = key();
    std::fs::write(folder.path().join("acme.pub"), key.public().pem()).unwrap();
    let read = lock(folder.path(), "version = 1\n[[signer]]\nname = \"acme\"\nkey_file = \"acme.pub\"\n").unwrap();
    assert_eq!(read.signers(), [Signer { name: "acme".to_owned(), key: key.public().clone() }]);
    read.write().unwrap();
    assert!(std::fs::read_to_string(read.path()).unwrap().contains("key_file = \"acme.pub\""));
}
