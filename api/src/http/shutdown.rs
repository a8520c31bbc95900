//! How a node stops: no new work, then what is in flight, then the end.

use std::{future::Future, io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};

/// Says when to stop, and waits for everyone who listens.
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// True once to stop. Whoever still holds one is waited for, so it is dropped when the work is done.
    pub fn listen(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Tells all to stop, and gives the work and every listener `grace` to end. False: they were cut off.
    pub async fn finish(&self, work: impl Future<Output = ()>, grace: Duration) -> bool {
        self.begin();
        let all = async {
            work.await;
            self.0.closed().await;
        };
        // Who asks twice does not want to wait.
        tokio::select! {
            ended = timeout(grace, all) => ended.is_ok(),
            _ = requested() => false,
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn requested() -> io::Result<()> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Waits until the sender says so, or is gone.
pub async fn begun(mut shutdown: watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_those_who_listen() {
        let shutdown = Shutdown::new();
        let listener = shutdown.listen();
        let cut_off = shutdown.finish(async {}, Duration::from_millis(20)).await;
        assert!(!cut_off, "the listener is still there");
        drop(listener);
        assert!(shutdown.finish(async {}, Duration::from_secs(5)).await);
    }
}
