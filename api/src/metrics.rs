//! What operators see of a running node: how many, how often, how late. In OpenMetrics, for Prometheus.

pub mod job;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use service::event::feed::Feed;

/// Of all names.
pub const PREFIX: &str = "bikelease";

/// In seconds: what is quick on one node, what is quick through Redis, and what is late.
const DELAYS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.0, 10.0];

pub struct Metrics {
    registry: Registry,
    pub sockets: Gauge,
    pub subscriptions: Gauge,
    /// Written to sockets, without those of groups, which are counted there.
    pub frames: Counter,
    pub event_to_frame: Histogram,
    pub closed: Family<Closed, Counter>,
}

/// Why the server closed a socket: 1013 is a client that does not keep up, or one too many.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Closed {
    pub code: u16,
}

/// One of them, as long as it exists.
pub struct Counted(Gauge);

impl Counted {
    pub fn among(all: &Gauge) -> Self {
        all.inc();
        Self(all.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub fn new(feed: Feed) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            sockets: Gauge::default(),
            subscriptions: Gauge::default(),
            frames: Counter::default(),
            event_to_frame: Histogram::new(DELAYS),
            closed: Family::default(),
        };
        let Self { registry, sockets, subscriptions, event_to_frame, closed, .. } = &mut metrics;
        registry.register("sockets", "Open websockets", sockets.clone());
        registry.register("subscriptions", "Running operations on sockets", subscriptions.clone());
        registry.register("sockets_closed", "Sockets that the server closed", closed.clone());
        let help = "From when an event happened to the first frame of a group that tells of it";
        let delays = event_to_frame.clone();
        registry.register_with_unit("event_to_frame", help, Unit::Seconds, delays);
        registry.register_collector(Box::new(OfFeed(feed)));
        metrics
    }

    /// What somebody else counts.
    pub fn add(&mut self, counts: Box<dyn Collector>) {
        self.registry.register_collector(counts);
    }

    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What the feed counts by itself.
#[derive(Debug)]
struct OfFeed(Feed);

impl Collector for OfFeed {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let counts = self.0.counts();
        let counters = [
            ("events", "Events that reached this node's listeners", counts.events),
            (
                "events_late",
                "Of these, found in the table before the bus told of them",
                counts.late,
            ),
            ("resumes", "Listeners that came back with a cursor", counts.resumes),
            (
                "replay_reads",
                "Reads of the table for listeners that came back",
                counts.replay_reads,
            ),
        ];
        for (name, help, count) in counters {
            count_of(&mut encoder, name, help, count)?;
        }
        let gauges = [
            ("tenants_live", "Tenants with listeners on this node", counts.tenants),
            (
                "feed_lag_events",
                "How far the table was ahead of this node when it looked last",
                counts.lag,
            ),
        ];
        for (name, help, now) in gauges {
            level_of(&mut encoder, name, help, now)?;
        }
        Ok(())
    }
}

pub fn count_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    count: u64,
) -> Result<(), fmt::Error> {
    let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(count).encode(encoder)
}

pub fn level_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    now: u64,
) -> Result<(), fmt::Error> {
    let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(now).encode(encoder)
}
