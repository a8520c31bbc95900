//! What operators see of a running node: how many, how often, how late. In OpenMetrics, for Prometheus.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};
use service::event::feed::Feed;

pub struct Metrics {
    registry: Registry,
    pub sockets: Gauge,
    pub subscriptions: Gauge,
    pub frames: Counter,
    pub closed: Family<Closed, Counter>,
}

/// Why the server closed a socket: 1013 is a client that does not keep up, or one too many.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Closed {
    pub code: u16,
}

impl Metrics {
    pub fn new(feed: Feed) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("bikelease"),
            sockets: Gauge::default(),
            subscriptions: Gauge::default(),
            frames: Counter::default(),
            closed: Family::default(),
        };
        let Self { registry, sockets, subscriptions, frames, closed } = &mut metrics;
        registry.register("sockets", "Open websockets", sockets.clone());
        registry.register("subscriptions", "Running operations on sockets", subscriptions.clone());
        registry.register("frames", "Frames written to sockets", frames.clone());
        registry.register("sockets_closed", "Sockets that the server closed", closed.clone());
        registry.register_collector(Box::new(OfFeed(feed)));
        metrics
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
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let live = ConstGauge::new(counts.tenants);
        let help = "Tenants with listeners on this node";
        live.encode(encoder.encode_descriptor("tenants_live", help, None, MetricType::Gauge)?)
    }
}
