//! What to do about an error, and which exit code it has.

use std::io;
use std::path::Path;

use media_core::fat32::FatError;
use media_core::hive::HiveError;
use media_core::media::boot_image::{BootImageError, Refusal, UEFI_BOOT_IMAGE};
use media_core::media::chain::ChainError;
use media_core::media::identity::IdentityError;
use media_core::media::preflight::ExportError;
use media_core::media::preflight::task_sequence::TaskSequenceError;
use media_core::media::roots::RootsError;
use media_core::media::signing::KeyError;
use media_core::media::store::CertificateFileError;
use media_core::media::variables::VariablesError;
use media_core::pfx::PfxError;
use media_core::service::ServiceError;
use media_core::wim::WimError;
use media_core::x509::X509Error;
use media_core::{
    DonorError, InspectError, MediumError, OriginError, PersonaliseError, PlanError, ReworkError, SealError,
    StageError, VerifyError, WriteError,
};

use crate::workers::KNOWN_COLUMNS as KNOWN;
use crate::workers::letter::{LetterProblem, NAMES};
use crate::workers::problem::{Problem, Wrong};

use super::{Error, Exit, OutputProblem, PasswordProblem};

/// How to make media on which something has expired.
pub(crate) const ALLOW_EXPIRED: &str = "--allow-expired makes the medium all the same";

pub(super) fn exit_of_stage(error: &StageError) -> Exit {
    match error {
        StageError::Variables(_) | StageError::IdentityVariable { .. } => Exit::Usage,
        StageError::Cancelled => Exit::Interrupted,
        StageError::BootImage { error: BootImageError::NoSuchImage { .. }, .. } => Exit::Usage,
        _ => Exit::Input,
    }
}

/// Says what the name at the start of a staging error is the name of.
pub(super) fn staging(error: &StageError) -> String {
    match error {
        StageError::BootImage { name, error: BootImageError::WouldNotBoot(refusal) } => {
            format!("the boot image {name} would not boot: {refusal}")
        }
        StageError::BootImage { .. }
        | StageError::Roots { .. }
        | StageError::BootConfiguration { .. }
        | StageError::NoLoader { .. }
        | StageError::NoCdBootImage { .. } => format!("the boot image {error}"),
        _ => error.to_string(),
    }
}

/// The column of a mistake in a list of workers.
pub(super) fn column(wrong: &Wrong) -> String {
    wrong.column.as_ref().map(|column| format!(", column {column:?}")).unwrap_or_default()
}

pub(super) fn exit_of_plan(error: &PlanError) -> Exit {
    match error {
        PlanError::Fat(FatError::FileTooLarge { .. }) => Exit::Input,
        PlanError::TooSmall { .. } | PlanError::Fat(_) => Exit::Usage,
        _ => Exit::Input,
    }
}

pub(super) fn exit_of_service(error: &ServiceError) -> Exit {
    match error {
        ServiceError::NoBootImage { .. } | ServiceError::NoSuchImage { .. } => Exit::Usage,
        ServiceError::ReadOnly => Exit::Output,
        _ => Exit::Input,
    }
}

pub(super) fn exit_of_rework(error: &ReworkError) -> Exit {
    match error {
        ReworkError::NoRoom { .. } | ReworkError::NoJournal { .. } => Exit::Output,
        _ => Exit::Input,
    }
}

pub(super) fn exit_of_write(error: &WriteError) -> Exit {
    match error {
        WriteError::Source { .. } => Exit::Input,
        WriteError::Cancelled => Exit::Interrupted,
        _ => Exit::Output,
    }
}

/// One line that says what to do, where there is something to do.
pub(super) fn hint(error: &Error) -> Option<String> {
    let said = |text: &str| Some(text.to_owned());
    match error {
        Error::Setting(setting) => setting.hint.clone(),
        Error::Environment { .. } => said("give the number of seconds since 1970-01-01, or unset it"),
        Error::Unreadable { error, .. } | Error::CannotOpen { error, .. } => hint_of_system(error),
        Error::NotText { .. } => said("save it as UTF-8"),
        Error::WeakPassword(_) => said(
            "`tsmedia password generate` makes a strong one; --allow-weak-password makes the medium all the same",
        ),
        Error::Password { problem, .. } => hint_of_password(*problem),
        Error::Workers { wrong, .. } => hint_of_workers(&wrong.problem),
        Error::Register { .. } => {
            said("give the batch another folder, or move the register away: what it knows is then made anew")
        }
        Error::BatchInUse { .. } => said("wait for its end: both would write the register"),
        Error::NoBatch { .. } => {
            said("`tsmedia create --workers FILE --output-dir FOLDER --format img` makes one")
        }
        Error::NotRegistered { .. } => {
            said("run the batch again: it makes what is missing, and the register anew")
        }
        Error::Letter { problem, .. } => hint_of_letter(problem),
        Error::Output { path, problem } => match problem {
            OutputProblem::Exists | OutputProblem::Other(_) => {
                said("--force replaces it once the new one is complete")
            }
            OutputProblem::Folder => {
                Some(format!("name a file in it, for example {}", path.join("media.iso").display()))
            }
            OutputProblem::NoFolder(folder) => Some(format!("make it first: mkdir -p {}", folder.display())),
            OutputProblem::IsInput { .. } => said("choose another --output: inputs are never changed"),
            OutputProblem::System(error) => hint_of_system(error),
            _ => None,
        },
        Error::Stage(error) => hint_of_stage(error),
        Error::Plan(PlanError::TooSmall { needed, .. })
        | Error::Seal(SealError::Plan(PlanError::TooSmall { needed, .. })) => {
            Some(format!("give --size {needed} or more, or leave it out for the smallest that fits"))
        }
        Error::Plan(PlanError::PartitionTooSmall { needed, .. })
        | Error::Seal(SealError::Plan(PlanError::PartitionTooSmall { needed, .. })) => Some(format!(
            "give --partition-size {needed} or more, or leave it out for the smallest that fits"
        )),
        Error::Plan(PlanError::Fat(error)) | Error::Seal(SealError::Plan(PlanError::Fat(error))) => {
            hint_of_fat(error)
        }
        Error::Certificates { error, .. } => hint_of_certificates(error),
        Error::ImportedCertificate { has_password, error, .. } => hint_of_identity(error, *has_password),
        Error::Identity { has_password, error, .. } => hint_of_identity_file(error, *has_password),
        Error::Donor { has_password, error, .. } => hint_of_donor(error, *has_password),
        Error::UnsuitableCertificate { .. } => {
            said("give another; --allow-unsuitable-certificate makes the medium all the same")
        }
        Error::TaskSequence { error, .. } => hint_of_task_sequence(error),
        Error::Export { error, .. } => hint_of_export(error),
        Error::Ends { .. } => said("make a new medium, with what ends first renewed"),
        Error::EndNotKnown { needs_password: true, .. } => {
            said("what could be looked at lasts that long; give the media password to look at the rest")
        }
        Error::Over { .. } => Some(format!("renew it, or leave it out; {ALLOW_EXPIRED}")),
        Error::NotOpened { error: VariablesError::WrongPassword, .. } => {
            said("give the media password that the medium was made with")
        }
        Error::Inspect { error: InspectError::Medium(MediumError::Unfinished), path }
        | Error::Verify { error: VerifyError::Medium(MediumError::Unfinished), path } => Some(format!(
            "`tsmedia variables set {}` with what was to be set finishes it; so does unset and change-password",
            path.display()
        )),
        Error::Rework { error, .. } => hint_of_rework(error),
        Error::Key { error, .. } => hint_of_key(error),
        Error::Personalise { error: PersonaliseError::NoManifest, .. } => {
            said("make the medium anew with `tsmedia create`")
        }
        Error::Busy { .. } => said("unmount it (umount), and close what has it open"),
        Error::NeedsPassword { .. } => {
            said("give it with --password-file, --password-env or --password-prompt")
        }
        Error::ExpiredCertificate { .. } => Some(format!("renew it; {ALLOW_EXPIRED}")),
        Error::Inspect { error: InspectError::Medium(MediumError::Hive(error)), .. }
        | Error::Verify { error: VerifyError::Medium(MediumError::Hive(error)), .. } => {
            hint_of_hive(None, error)
        }
        Error::Changed { .. } => said("make the medium again when nothing writes to that file any more"),
        Error::Write { error: WriteError::Sink { error, .. }, .. } => hint_of_system(error),
        Error::Service { path, error } => hint_of_service(path, error),
        Error::NotIntact { .. } | Error::NotWritten { .. } => {
            said("the disk or memory of this computer may be failing")
        }
        _ => None,
    }
}

fn hint_of_system(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "check who may read or write it, and its folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or choose another folder",
        io::ErrorKind::FileTooLarge => {
            "files of this size are not allowed there (a limit of the file system, or `ulimit -f`)"
        }
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_password(problem: PasswordProblem) -> Option<String> {
    let hint = match problem {
        PasswordProblem::Empty => "put it on the first line",
        PasswordProblem::NotAName => {
            "give a name of letters, digits and underscores; the password itself is never an argument"
        }
        PasswordProblem::ControlCharacter => {
            "type it anew in a file saved as UTF-8, or as UTF-16 with a byte order mark"
        }
        PasswordProblem::NotSet | PasswordProblem::SetToNothing => "set it, and export it to this command",
        PasswordProblem::NoTerminal => "give the password by a file or an environment variable",
        PasswordProblem::TooLong => "is this the right file?",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_stage(error: &StageError) -> Option<String> {
    match error {
        StageError::BootImage { name, error } => hint_of_boot_image(name, error),
        StageError::Roots { name, error: RootsError::Hive(error) } => hint_of_hive(Some(name), error),
        StageError::NoCdBootImage { path, .. } => {
            let other = if path == UEFI_BOOT_IMAGE { ", or give --prompt" } else { "" };
            Some(format!("give it with --boot-file {path}=FILE (it is in the Windows ADK){other}"))
        }
        StageError::IdentityVariable { name } => Some(if name.to_lowercase().ends_with("guid") {
            "give it with --media-guid".to_owned()
        } else {
            "give the certificate with --certificate".to_owned()
        }),
        StageError::GivenBootConfiguration { path, .. } => {
            Some(format!("leave out --boot-file {path}=FILE to have the store found or made"))
        }
        StageError::BootConfiguration { .. } => {
            Some("leave out --boot-configuration, or give `made` to have the stores made".to_owned())
        }
        _ => None,
    }
}

fn hint_of_service(path: &Path, error: &ServiceError) -> Option<String> {
    let name = path.display();
    match error {
        ServiceError::NoBootImage { .. } => Some("give --image with a number, or `all`".to_owned()),
        ServiceError::NoSuchImage { .. } => {
            Some(format!("`tsmedia boot-image info {name}` lists the images in it"))
        }
        ServiceError::Chain { error: ChainError::MissingIssuer { .. }, .. } => {
            Some("add the issuer's certificate: a root as it is, an intermediate with --store ca or in the server's file".to_owned())
        }
        ServiceError::ReadOnly => {
            Some("--output writes a changed copy; --force changes the file all the same".to_owned())
        }
        ServiceError::Wim(WimError::Split { .. }) => {
            Some("join its parts: wimlib-imagex join new.wim 'boot*.swm'".to_owned())
        }
        ServiceError::Wim(WimError::TooLarge { what: "metadata of the images to change", .. }) => {
            Some("change its images one at a time: --image with a number".to_owned())
        }
        ServiceError::Wim(WimError::TooLarge { what: "metadata of all images", .. }) => {
            Some(format!("take out the image that boots: wimlib-imagex export {name} NUMBER new.wim --boot"))
        }
        ServiceError::Wim(WimError::TooLarge { what: "metadata", .. }) => {
            Some("no boot image has as many files; installed systems are serviced with DISM".to_owned())
        }
        ServiceError::Wim(WimError::Pipable | WimError::Solid { .. }) | ServiceError::WouldNotBoot(_) => Some(format!(
            "write it anew: wimlib-imagex export {name} all new.wim --compress=LZX --chunk-size=32K --boot"
        )),
        _ => None,
    }
}

fn hint_of_key(error: &KeyError) -> Option<String> {
    let hint = match error {
        KeyError::NeedsPassword => {
            "give its password: --signing-key-password-file, or --key-password-file with `tsmedia key`"
        }
        KeyError::Private => "`tsmedia key public` makes the public key of it, which is what to give here",
        KeyError::Public { .. } => "give the private key, or the .pfx it is in",
        KeyError::Length { .. } => "`tsmedia key new` makes one that is long enough",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_workers(problem: &Problem) -> Option<String> {
    let hint = match problem {
        Problem::UnknownColumn | Problem::NoColumn | Problem::NoHeader => {
            return Some(format!("the columns are {KNOWN}"));
        }
        Problem::Cells { .. } => "a cell with the separator in it stands in quotation marks",
        Problem::ComputerName => "a column var:OSDComputerName takes any value",
        Problem::TooManyWorkers { .. } => "make several batches",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_letter(problem: &LetterProblem) -> Option<String> {
    match problem {
        LetterProblem::Unknown { .. } => Some(format!("a letter knows {}", NAMES.join(", "))),
        _ => None,
    }
}

fn hint_of_rework(error: &ReworkError) -> Option<String> {
    let hint = match error {
        ReworkError::NoJournal { .. } => "--output writes a changed copy",
        ReworkError::NoRoom { .. } => {
            "make the medium anew with `tsmedia create`, or unset variables it does not need"
        }
        ReworkError::Changed { .. } => {
            "`tsmedia verify` says what else differs; make the medium anew with `tsmedia create`"
        }
        ReworkError::Signed => "give the key with --signing-key",
        ReworkError::NotSigned => "make the medium anew with `tsmedia create --signing-key`",
        ReworkError::OtherKey { .. } => "give the key that it was signed with",
        ReworkError::NotSignedBy => {
            "give the key that it was signed with; `tsmedia verify --key` says whether it was signed with a key"
        }
        ReworkError::NotWhole { .. } => {
            "give the whole stick, not its partition; a copy that was cut short is made anew with `tsmedia create`"
        }
        ReworkError::Origin(OriginError::OtherLayout { .. }) => {
            "change it with that version, or make it anew with `tsmedia create`"
        }
        ReworkError::NotAsListed { .. } => {
            "`tsmedia verify` says what else differs; a medium that is not intact is not changed"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_boot_image(name: &str, error: &BootImageError) -> Option<String> {
    let convert =
        format!("convert it: wimlib-imagex export {name} all new.wim --compress=LZX --chunk-size=32K --boot");
    match error {
        BootImageError::NoSuchImage { .. } => {
            Some(format!("`tsmedia inspect {name}` lists the images in it"))
        }
        BootImageError::Missing { path, asked_for: Some(_), .. } => {
            Some(format!("give --boot-manager auto or 2011, or the file with --boot-file {path}=FILE"))
        }
        BootImageError::Missing { path, .. } => {
            Some(format!("give it with --boot-file {path}=FILE (a file of the Windows ADK)"))
        }
        BootImageError::NotAProgram { path, .. } => {
            Some(format!("give another file with --boot-file {path}=FILE, or leave it out"))
        }
        BootImageError::WouldNotBoot(refusal) => match refusal {
            Refusal::NotBootable { .. } => {
                Some("give --image-index with the number of the image to boot".to_owned())
            }
            Refusal::Split { .. } => {
                Some("join its parts: wimlib-imagex join new.wim 'boot*.swm'".to_owned())
            }
            Refusal::Pipable => Some(format!("write it anew: wimlib-imagex optimize {name} --not-pipable")),
            Refusal::Lzms | Refusal::Solid | Refusal::ChunkSize { .. } => Some(convert),
            Refusal::NotWindowsPe { .. } => {
                Some(format!("`tsmedia inspect {name}` lists the images in it; --image-index chooses one"))
            }
            _ => None,
        },
        _ => None,
    }
}

/// When Windows loads a hive, it replays the logs or repairs what it can, and writes the hive.
fn hint_of_hive(image: Option<&str>, error: &HiveError) -> Option<String> {
    if !matches!(error, HiveError::Dirty { .. } | HiveError::Log { .. } | HiveError::Checksum { .. }) {
        return None;
    }
    let load = r"`reg load HKLM\x FILE` and `reg unload HKLM\x`";
    Some(match image {
        Some(name) => format!(
            "take a copy of {name} from before it was mounted; or mount it on Windows, have the hive closed there \
             with {load}, and commit"
        ),
        None => format!("its last changes are in the log files beside it; Windows closes it with {load}"),
    })
}

fn hint_of_fat(error: &FatError) -> Option<String> {
    let hint = match error {
        FatError::FileTooLarge { .. } => {
            "FAT32 holds no file of 4 GiB or more; an ISO does: --output NAME.iso"
        }
        FatError::Label { .. } => "choose another --label",
        FatError::ClusterSize { .. } | FatError::VolumeTooSmall { .. } | FatError::TooManyClusters { .. } => {
            "choose another --cluster-size or --size, or leave them out"
        }
        FatError::Name { .. } | FatError::SameName { .. } | FatError::FileAndFolder { .. } => {
            "choose another place for it with --boot-file"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_certificates(error: &CertificateFileError) -> Option<String> {
    let hint = match error {
        CertificateFileError::Certificates(X509Error::PrivateKey { .. } | X509Error::Pfx) => {
            "give the certificate alone; --certificate imports one with its key for the media"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_identity(error: &IdentityError, has_password: bool) -> Option<String> {
    let hint = match error {
        IdentityError::Pfx(PfxError::WrongPassword) if has_password => {
            "the password given is not the one it was exported with"
        }
        IdentityError::NotRsa { .. } => "have a certificate issued for an RSA key: media sign with RSA",
        IdentityError::Pfx(PfxError::WrongPassword) => {
            "give its password with --certificate-password-file or --certificate-password-env"
        }
        IdentityError::Pfx(_) => "export the certificate with its private key as a .pfx (PKCS#12) file",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_task_sequence(error: &TaskSequenceError) -> Option<String> {
    let hint = match error {
        TaskSequenceError::TooLarge | TaskSequenceError::Xml { .. } => return None,
        _ => {
            "export it: Export-CMTaskSequence -Name NAME -ExportFilePath ts.zip, or Export Task Sequence in the console"
        }
    };
    Some(hint.to_owned())
}

fn hint_of_export(error: &ExportError) -> Option<String> {
    let hint = match error {
        ExportError::Several { what: "deployments", .. } => {
            "export the one that is meant: Get-CMTaskSequenceDeployment -DeploymentId ID | ConvertTo-Json"
        }
        ExportError::Several { .. } => {
            "export the one that is meant: Get-CMClientSetting -Name NAME -Setting Cloud | ConvertTo-Json"
        }
        ExportError::Nothing { .. } => "tsmedia preflight --help says how to export it",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_identity_file(error: &IdentityError, has_password: bool) -> Option<String> {
    let hint = match error {
        IdentityError::Pfx(PfxError::WrongPassword) if has_password => "give the password it was made with",
        IdentityError::Pfx(PfxError::WrongPassword) => {
            "give its password with --identity-password-file, --identity-password-env or --identity-password-prompt"
        }
        IdentityError::NoGuid { .. } => {
            "`tsmedia identity new --certificate FILE` makes an identity of a certificate with its key"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint_of_donor(error: &DonorError, has_password: bool) -> Option<String> {
    let wrong = VariablesError::WrongPassword;
    let hint = match error {
        DonorError::NeedsPassword => {
            "give its password with --password-file, --password-env or --password-prompt"
        }
        DonorError::Variables(error) if has_password && *error == wrong => {
            "give the media password that it was made with"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_is_too_large_for_a_boot_image_is_told_with_what_to_do() {
        let hint = |what| {
            let error = ServiceError::Wim(WimError::TooLarge { what, len: 9, limit: 8 });
            hint_of_service(Path::new("a.wim"), &error).unwrap_or_default()
        };
        assert!(hint("metadata").contains("DISM"));
        assert!(hint("metadata of all images").contains("wimlib-imagex export a.wim"));
        assert!(hint("metadata of the images to change").contains("--image"));
        assert_eq!(hint("blob"), "");
    }

    #[test]
    fn a_key_that_is_not_rsa_is_no_matter_of_passwords() {
        let error = IdentityError::NotRsa { subject: "CN=Contoso".to_owned() };
        let error = Error::ImportedCertificate { path: PathBuf::from("a.pfx"), has_password: true, error };
        let said = error.render(false);
        assert!(
            said.ends_with("\nhint: have a certificate issued for an RSA key: media sign with RSA\n"),
            "{said}"
        );
    }
}
