//! An interrupt: ctrl-c, or the SIGTERM of service managers and containers. Work is dropped where it stands, which is safe at
//! every step of the commit protocol; sessions are ended and records written all the same.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// Returns on ctrl-c or SIGTERM. From its first poll on, neither of them ends the process by itself.
pub(super) async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// How interrupted work ends.
pub(super) fn interrupted() -> Failure {
    Failure::failed("interrupted: what was committed stays, the same command goes on from there")
}
