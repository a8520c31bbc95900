//! When a connection has to do something although nobody says anything: one timer for all of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::Settings;
use crate::realtime::protocol::Close;

pub struct Timers {
    settings: Arc<Settings>,
    heard: Instant,
    deadline: Option<(Instant, Close)>,
    /// The node stops: the deadline is this socket's turn to go.
    pub is_ending: bool,
    /// Since when the network takes nothing.
    stuck: Option<Instant>,
    ping: Instant,
    progress: Instant,
    sleep: Pin<Box<Sleep>>,
}

pub enum Due {
    End(Close),
    Ping,
    Progress,
}

impl Timers {
    pub fn start(settings: Arc<Settings>) -> Self {
        let now = Instant::now();
        Self {
            heard: now,
            deadline: Some((now + settings.init, Close::init_timeout())),
            is_ending: false,
            stuck: None,
            ping: now + settings.ping,
            progress: now + settings.progress,
            sleep: Box::pin(sleep_until(now)),
            settings,
        }
    }

    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Noticed in time without another timer: nothing sleeps longer than a network may be stuck.
    pub fn is_stuck(&mut self, stuck: bool) {
        match (stuck, self.stuck) {
            (true, None) => self.stuck = Some(Instant::now()),
            (false, Some(_)) => self.stuck = None,
            _ => {}
        }
    }

    /// Instead of the one before.
    pub fn end_at(&mut self, deadline: Option<(Instant, Close)>) {
        self.deadline = deadline;
    }

    /// Unless another end comes sooner.
    pub fn end_by(&mut self, at: Instant, close: Close) {
        let sooner = self.deadline.take().filter(|(deadline, _)| *deadline < at);
        self.deadline = Some(sooner.unwrap_or((at, close)));
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            let now = Instant::now();
            if let Some(due) = self.due(now) {
                return Poll::Ready(due);
            }
            let next = self.next(now);
            if self.sleep.deadline() != next {
                self.sleep.as_mut().reset(next);
            }
            ready!(self.sleep.as_mut().poll(cx));
        }
    }

    fn due(&mut self, now: Instant) -> Option<Due> {
        if let Some((at, close)) = &self.deadline
            && *at <= now
        {
            return Some(Due::End(close.clone()));
        }
        if self.stuck.is_some_and(|stuck| stuck + self.settings.stall <= now) {
            return Some(Due::End(Close::slow()));
        }
        if self.heard + self.settings.silence <= now {
            return Some(Due::End(Close::silent()));
        }
        if self.ping <= now {
            self.ping = now + self.settings.ping;
            return Some(Due::Ping);
        }
        if self.progress <= now {
            self.progress = now + self.settings.progress;
            return Some(Due::Progress);
        }
        None
    }

    fn next(&self, now: Instant) -> Instant {
        let stall = self.stuck.unwrap_or(now) + self.settings.stall;
        let silence = self.heard + self.settings.silence;
        let next = stall.min(silence).min(self.ping).min(self.progress);
        self.deadline.as_ref().map_or(next, |(deadline, _)| next.min(*deadline))
    }
}
