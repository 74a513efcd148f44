//! What a site file decides where neither the command line nor the spec file says anything.

use std::path::PathBuf;

use media_core::Management;
use media_core::media::names::{ManagementPoint, SiteCode};
use media_core::media::site_form::SiteForm;
use secrecy::ExposeSecret;

use super::{Given, Settings};
use crate::error::Place;
use crate::site_file::SiteFile;
use crate::values::{MediaMode, UserDeviceAffinity};

impl Settings {
    /// The site file, which is read before the rest is decided.
    pub fn site_file(&self) -> Option<PathBuf> {
        self.site_file.as_ref().map(|given| given.value.clone())
    }

    /// Gives the settings what was in the site file.
    pub fn set_site(&mut self, site: SiteFile) {
        let file = &site.variables_file;
        fill(&mut self.variables_encryption, Some(file.encryption));
        fill(&mut self.variables_trailer, file.trailer);
        fill(&mut self.variables_xml_declaration, Some(file.declaration.clone()));
        fill(&mut self.variables_xml_version, Some(file.version.clone()));
        fill(&mut self.variables_xml_nul_terminated, Some(file.nul_terminated));
        let code = text(&site.form, "_SMSTSSiteCode").filter(|code| SiteCode::new(code).is_ok());
        if let (Some(given), Some(code)) = (&self.site_code, code)
            && !given.value.eq_ignore_ascii_case(code)
        {
            let note = format!(
                "the site code is {}, and the site file describes the media of {code}: their keys and certificates are \
                 those of {code}",
                given.value
            );
            self.notes.push(note);
        }
        fill(&mut self.site_code, code.map(str::to_owned));
        for (port, name) in
            [(&mut self.http_port, "_SMSTSHTTPPort"), (&mut self.https_port, "_SMSTSHTTPSPort")]
        {
            fill(port, text(&site.form, name).and_then(|port| port.parse().ok()).filter(|port| *port > 0));
        }
        let affinity = text(&site.form, "SMSTSAssignUsersMode").and_then(|mode| match mode {
            mode if mode.eq_ignore_ascii_case("Pending") => Some(UserDeviceAffinity::AdministratorApproval),
            mode if mode.eq_ignore_ascii_case("Auto") => Some(UserDeviceAffinity::AutoApproval),
            _ => None,
        });
        fill(&mut self.user_device_affinity, affinity);
        self.fill_management(&site.form);
        self.site_form = Some(site);
    }

    fn fill_management(&mut self, form: &SiteForm) {
        let is_dynamic = text(form, "SMSTSMP").is_none() && text(form, "SMSTSLocationMPs").is_some();
        if !self.management_points.is_empty() || self.cmg.is_some() {
            // More management points of the user's own are for the mode that the site's media have.
            if is_dynamic && self.cmg.is_none() {
                fill(&mut self.media_mode, Some(MediaMode::Dynamic));
            }
            return;
        }
        let mode = if is_dynamic { MediaMode::Dynamic } else { MediaMode::SiteBased };
        if self.media_mode.take().is_some_and(|given| given.value != mode) {
            self.notes
                .push("the media mode is that of the site file, as its management points are".to_owned());
        }
        let points = |list: &str| list.split('*').map(ManagementPoint::of_medium).collect::<Vec<_>>();
        self.site_management = match (text(form, "SMSTSMP"), text(form, "SMSTSLocationMPs")) {
            (Some(point), _) => Some(Management::SiteBased(ManagementPoint::of_medium(point))),
            (None, Some(list)) => Some(Management::Dynamic(points(list))),
            (None, None) => None,
        };
    }
}

fn text<'a>(form: &'a SiteForm, name: &str) -> Option<&'a str> {
    form.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
}

fn fill<T>(setting: &mut Option<Given<T>>, value: Option<T>) {
    if setting.is_none() {
        *setting = value.map(|value| Given { value, place: Place::Nowhere });
    }
}
