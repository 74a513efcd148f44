//! The network of the computer that is started.

use super::super::facts::Facts;
use super::super::{Answer, Group, Rule, Severity, unknown};
use super::{only_unknown, over_gateway};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "network.wired",
        group: Group::Network,
        severity: Severity::Error,
        text: "the device has a wired network connection for which the boot image has a driver: Windows PE has no wireless",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": Windows PE supports no \
                 wireless networks, so the device needs a wired connection",
        place: "whoever gets the medium; console: Software Library > Operating Systems > Boot Images > Properties > Drivers",
        never: only_unknown("how a device is connected is in no file"),
        is_said_when_made: false,
        check: wired,
    },
    Rule {
        id: "network.constant",
        group: Group::Network,
        severity: Severity::Warning,
        text: "the device has a constant internet connection while the task sequence runs",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": a constant internet \
                 connection while the task sequence runs",
        place: "whoever gets the medium",
        never: only_unknown("how a device is connected is in no file"),
        is_said_when_made: false,
        check: |facts| over_gateway(facts).and_then(|_| unknown("tell whoever gets the medium")),
    },
];

fn wired(_: &Facts) -> Answer {
    unknown("tell whoever gets the medium")
}
