//! A disk that is full, and one that cannot be written: a clear error, nothing lost, and the next run goes on.
//!
//! The disk is a file system of its own, in a mount namespace that lives as long as a shell in it; the program runs in
//! there, and what it has written is copied out to be compared. Where namespaces are not allowed there is nothing to show.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Dice, assert_whole, change, plant};
use crate::plant::{Ended, Plant};

/// A small file system that is the lake of a plant.
struct Disk {
    plant: Plant,
    shell: Child,
    answers: BufReader<ChildStdout>,
}

impl Disk {
    /// `None` where this user may not have namespaces.
    fn mount(plant: Plant) -> Option<Self> {
        std::fs::create_dir(plant.folder.path().join("lake")).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh"]).current_dir(plant.folder.path());
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let answers = BufReader::new(shell.stdout.take()?);
        let mut disk = Self { plant, shell, answers };
        if disk.tell("mount -t tmpfs -o size=64m tmpfs lake").is_none_or(|code| code != 0) {
            eprintln!("namespaces are not allowed here: nothing is shown");
            return None;
        }
        Some(disk)
    }

    /// Runs a command in the namespace; its exit code.
    fn tell(&mut self, command: &str) -> Option<i32> {
        let mut answer = String::new();
        writeln!(self.shell.stdin.as_mut()?, "{command}\necho $?").ok()?;
        self.answers.read_line(&mut answer).ok()?;
        answer.trim().parse().ok()
    }

    fn remount(&mut self, mode: &str) {
        assert_eq!(self.tell(&format!("mount -o remount,{mode} lake")), Some(0));
    }

    /// `tidegate run` on this disk.
    fn run(&mut self) -> Ended {
        let command = self.plant.command(&["run"]);
        let cache = command.get_envs().find_map(|(name, value)| (name == "XDG_CACHE_HOME").then_some(value?));
        let program = Path::new(command.get_program()).display();
        let cache = Path::new(cache.unwrap()).display();
        let code = self.tell(&format!("XDG_CACHE_HOME='{cache}' '{program}' run >out 2>err </dev/null")).unwrap();
        let said = |name| std::fs::read_to_string(self.plant.folder.path().join(name)).unwrap();
        Ended { code, stdout: said("out"), stderr: said("err") }
    }

    /// A run to the end; then every table equals the server.
    async fn finish(&mut self) {
        let ended = self.run();
        assert_eq!(ended.code, 0, "{ended:#?}");
        let lake = self.plant.folder.path().join("lake");
        // Below the mount lies the folder that everybody else sees.
        for entry in std::fs::read_dir(&lake).unwrap() {
            std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(self.inside("bronze")).arg(self.inside("checkpoints")).arg(&lake);
        assert!(copy.status().unwrap().success());
        assert_whole(&self.plant).await;
    }

    /// A path of the disk as others get to it.
    fn inside(&self, name: &str) -> PathBuf {
        let lake = self.plant.folder.path().join("lake").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.shell.id(), lake.display()))
    }

    /// Fills the disk up to the last `room` bytes.
    fn fill_but(&self, room: u64) {
        let mut file = std::fs::File::create(self.inside("ballast")).unwrap();
        let block = vec![0_u8; 4_096];
        while file.write(&block).is_ok_and(|written| written > 0) {}
        let size = file.metadata().unwrap().len();
        file.set_len(size.saturating_sub(room)).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.inside("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = self.shell.kill();
        let _gone = self.shell.wait();
    }
}

fn assert_clear(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, 1, "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "`{word}` is not in {ended:#?}");
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
}

#[tokio::test]
async fn a_disk_that_gets_full_at_any_step() {
    let Some(mut disk) = Disk::mount(plant()) else { return };
    let mut refused = 0;
    for phase in 0..3 {
        for pages in [0, 1, 2, 3, 5, 8, 12, 18, 26, 38, 56, 80, 120] {
            disk.fill_but(pages * 4_096);
            let ended = disk.run();
            disk.free();
            if ended.code == 0 {
                break;
            }
            assert_clear(&ended, &["No space left on device", "free space"]);
            refused += 1;
        }
        disk.finish().await;
        change(&disk.plant, &mut Dice(phase), 5);
    }
    println!("{refused} runs on a full disk");
    assert!(refused > 10, "the disk was seldom full: {refused}");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written() {
    let Some(mut disk) = Disk::mount(plant()) else { return };
    for phase in 0..2 {
        disk.remount("ro");
        let ended = disk.run();
        assert_clear(&ended, &["Read-only file system", "choose a location that can be written"]);
        disk.remount("rw");
        disk.finish().await;
        change(&disk.plant, &mut Dice(phase), 5);
    }
}
