//! The site and its version.

use super::super::facts::{Facts, SiteVersion};
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::{never_fails, over_gateway};
use crate::media::boot_image::Architecture;

const VERSION: &str = "console: the arrow at the top left > About Configuration Manager";
const V2006: SiteVersion = SiteVersion::new(2006);
const V2010: SiteVersion = SiteVersion::new(2010);
const V2103: SiteVersion = SiteVersion::new(2103);
const V2403: SiteVersion = SiteVersion::new(2403);
const V2509: SiteVersion = SiteVersion::new(2509);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "site.bootable-media-over-gateway",
        group: Group::Site,
        severity: Severity::Error,
        text: "the site has version 2010 or later, for bootable media over a cloud management gateway",
        source: "Deploy a task sequence over the internet, \"Use bootable media to install a Windows imaging task \
                 sequence\": bootable media over a CMG are possible from version 2010",
        place: VERSION,
        never: None,
        is_said_when_made: false,
        check: |facts| over_gateway(facts).and_then(|_| at_least(facts, V2010)),
    },
    Rule {
        id: "site.windows-pe-over-internet",
        group: Group::Site,
        severity: Severity::Error,
        text: "the site has a version later than 2002, which has neither PXE, Windows PE nor media over the internet",
        source: "Deploy a task sequence over the internet, \"Use bootable media to install a Windows imaging task \
                 sequence\": up to version 2002, task sequences over the internet start from Software Center only, without \
                 Windows PE, PXE or media",
        place: VERSION,
        never: None,
        is_said_when_made: false,
        check: |facts| over_gateway(facts).and_then(|_| at_least(facts, V2006)),
    },
    Rule {
        id: "site.imaging-from-software-center",
        group: Group::Site,
        severity: Severity::Warning,
        text: "the site has version 2006 or later, so that the same task sequence can also be started from Software Center",
        source: "Deploy a task sequence over the internet, \"Install a Windows imaging task sequence from Software \
                 Center\": a task sequence with a boot image runs over a CMG from version 2006",
        place: VERSION,
        never: None,
        is_said_when_made: false,
        check: |facts| over_gateway(facts).and_then(|_| at_least(facts, V2006)),
    },
    Rule {
        id: "site.management-point-for-intranet-too",
        group: Group::Site,
        severity: Severity::Error,
        text: "in versions 2010 and 2103, the management point behind the gateway allows intranet and internet connections",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": in 2010 and 2103 a \
                 management point set to internet-only connections serves no boot media over a CMG",
        place: "console: Administration > Site Configuration > Servers and Site System Roles > the management point > \
                Properties > General > Client connections",
        never: never_fails("how a management point is set is in no file that could be given"),
        is_said_when_made: false,
        check: management_point_for_intranet,
    },
    Rule {
        id: "site.arm64-media",
        group: Group::Site,
        severity: Severity::Error,
        text: "the site has version 2403 or later, when the boot image is for ARM64",
        source: "What's new in version 2403: media for ARM64 devices",
        place: VERSION,
        never: None,
        is_said_when_made: false,
        check: arm64,
    },
    Rule {
        id: "site.boundary-group-has-management-point",
        group: Group::Site,
        severity: Severity::Warning,
        text: "from version 2509, the boundary group of the device has a management point",
        source: "What's new in version 2509: Windows PE takes management points by boundary, and finds none when the \
                 boundary group has none",
        place: "console: Administration > Hierarchy Configuration > Boundary Groups > Properties > References",
        never: never_fails("boundary groups are in no file that could be given"),
        is_said_when_made: false,
        check: boundary_group,
    },
];

fn version(facts: &Facts) -> Result<SiteVersion, Outcome> {
    facts.site_version.ok_or_else(|| not_given(Input::SiteVersion))
}

fn at_least(facts: &Facts, least: SiteVersion) -> Answer {
    let version = version(facts)?;
    if version < least { fail(format!("the site has version {version}")) } else { Ok(()) }
}

fn management_point_for_intranet(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    match version(facts)? {
        version if version == V2010 || version == V2103 => {
            unknown(format!("the site has version {version}, so it matters how the management point is set"))
        }
        _ => Ok(()),
    }
}

fn arm64(facts: &Facts) -> Answer {
    let image = facts.boot_image.as_ref().ok_or_else(|| not_given(Input::BootImage))?;
    if image.architecture != Architecture::Arm64 {
        return does_not_apply("the boot image is not for ARM64");
    }
    at_least(facts, V2403)
}

fn boundary_group(facts: &Facts) -> Answer {
    match version(facts)? {
        version if version >= V2509 => unknown(format!("the site has version {version}")),
        _ => Ok(()),
    }
}
