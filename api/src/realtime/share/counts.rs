//! What operators see of the groups.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::Counter;

use super::Groups;
use crate::metrics::{count_of, level_of};

/// What the groups of a node count.
pub struct Counts {
    pub groups: Groups,
    /// Frames that are not of groups.
    pub others: Counter,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counts").field(&self.groups.tally).finish()
    }
}

impl Collector for Counts {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let tally = &self.groups.tally;
        let (deliveries, others) = (tally.deliveries(), self.others.get());
        let executions = tally.executions();
        let counters = [
            ("frames", "Frames written to sockets", deliveries + others),
            ("deliveries", "Of these, written from what a group has executed", deliveries),
            (
                "executions",
                "Executions of groups: one for each event that concerns one",
                executions,
            ),
        ];
        for (name, help, count) in counters {
            count_of(&mut encoder, name, help, count)?;
        }
        let gauges = [
            (
                "groups",
                "Subscriptions of which equal ones share one execution",
                self.groups.count() as u64,
            ),
            (
                "frames_waiting",
                "Frames of groups that wait for a socket with room",
                tally.waiting(),
            ),
        ];
        for (name, help, now) in gauges {
            level_of(&mut encoder, name, help, now)?;
        }
        Ok(())
    }
}
