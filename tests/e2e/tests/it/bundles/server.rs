//! A registry: Debian's `docker-registry` over a folder, on this machine only.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Name and password of a registry that wants a log-in, and how the registry keeps them.
pub(super) const LOGIN: (&str, &str) = ("operator", "hunter2-registry");
const HTPASSWD: &str = "operator:$2b$04$D0MHEex5QGIlkzpnVw6giOIM5vXe7K/HW9Zr7kQSFUI2ryZWLxH/6\n";

/// A running registry; stopped when dropped.
pub(super) struct Registry {
    server: Child,
    folder: TempDir,
    /// `127.0.0.1:PORT`
    pub(super) host: String,
}

impl Registry {
    /// An empty one that lets everybody in.
    pub(super) fn open() -> Self {
        Self::start("")
    }

    /// An empty one that wants [`LOGIN`].
    pub(super) fn locked() -> Self {
        Self::start("auth: {htpasswd: {realm: plant, path: HTPASSWD}}\n")
    }

    fn start(auth: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let host = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string();
        std::fs::write(path("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{host}'}}\n{}",
            path("storage"),
            auth.replace("HTPASSWD", &path("htpasswd"))
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let server = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is not installed: apt-get install docker-registry");
        while TcpStream::connect(&host).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { server, folder, host }
    }

    /// The file in which it keeps a blob.
    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        self.folder.path().join(format!("storage/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    /// Stops it.
    pub(super) fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
