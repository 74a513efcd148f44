use proptest::prelude::*;

use super::*;
use crate::bytes::to_utf16le;
use crate::referee::{Folder, installed};

const PCA_2011: &str = "Microsoft Windows Production PCA 2011";
const CA_2023: &str = "Windows UEFI CA 2023";

/// A root, an issuer of the given name under it, and a signing certificate under that, each in a PEM file.
fn make_chain(folder: &Folder, issuer: &str) {
    folder.write("ca.ext", b"basicConstraints=critical,CA:TRUE\n");
    folder.write("leaf.ext", b"extendedKeyUsage=codeSigning\n");
    folder.run(
        "openssl",
        "req -x509 -nodes -newkey rsa:2048 -keyout root.key -out root.pem -subj '/CN=Test Root'",
    );
    for (name, subject, above, extensions) in
        [("ca", issuer, "root", "ca.ext"), ("leaf", "Test Windows", "ca", "leaf.ext")]
    {
        folder.run(
            "openssl",
            &format!("req -nodes -newkey rsa:2048 -keyout {name}.key -out {name}.req -subj '/C=US/O=Test/CN={subject}'"),
        );
        folder.run(
            "openssl",
            &format!(
                "x509 -req -in {name}.req -CA {above}.pem -CAkey {above}.key -CAcreateserial -extfile {extensions} -out {name}.pem"
            ),
        );
    }
    let chain = [folder.read("leaf.pem"), folder.read("ca.pem"), folder.read("root.pem")].concat();
    folder.write("chain.pem", &chain);
}

/// A GRUB program, signed under an issuer of the given name.
fn signed(issuer: &str, options: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if !["openssl", "osslsigncode", "grub-mkimage"].into_iter().all(installed) {
        return None;
    }
    let folder = Folder::new();
    make_chain(&folder, issuer);
    folder.run("grub-mkimage", "-O x86_64-efi -o unsigned.efi -p /boot normal");
    folder.run(
        "osslsigncode",
        &format!("sign -certs chain.pem -key leaf.key {options} -in unsigned.efi -out signed.efi"),
    );
    Some((folder.read("unsigned.efi"), folder.read("signed.efi")))
}

#[test]
fn the_issuer_of_a_signed_boot_manager_is_named() {
    for (issuer, options) in
        [(PCA_2011, "-h sha256"), (CA_2023, "-h sha256"), (CA_2023, "-h sha384"), (CA_2023, "-h sha1")]
    {
        let Some((unsigned, signed)) = signed(issuer, options) else { return };
        let read = super::read(&signed).expect("signed");
        assert_eq!((read.machine, read.is_efi_application), (Machine::X64, true));
        let expected = Signer {
            subject: "Test Windows".into(),
            issuer: issuer.into(),
            chain: vec!["Test Windows".into(), issuer.into(), "Test Root".into()],
            digest: SignedDigest::Matches,
        };
        assert_eq!(read.signers, Ok(vec![expected]), "{options}");
        assert!(read.is_signed_under(issuer) && !read.is_signed_under("Test Root"));
        let read = super::read(&unsigned).expect("not signed");
        assert_eq!((read.signers, read.file_version), (Ok(vec![]), Ok(None)));
    }
}

#[test]
fn a_changed_program_keeps_its_signer_and_loses_its_digest() {
    let Some((unsigned, signed)) = signed(CA_2023, "-h sha256") else { return };
    let digest = |bytes: &[u8]| super::read(bytes).expect("still sound").signers.expect("signed")[0].digest;
    for at in [0x1000, unsigned.len() / 2, unsigned.len() - 1] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        assert_eq!(digest(&changed), SignedDigest::Differs, "byte {at}");
    }
    // The checksum is not covered (Authenticode format, section on the image hash).
    let new_header = u32::from_le_bytes(signed[0x3C..0x40].try_into().expect("four bytes")) as usize;
    let mut changed = signed;
    changed[new_header + 24 + 64] ^= 1;
    assert_eq!(digest(&changed), SignedDigest::Matches);
}

#[test]
fn several_signatures_are_read_and_too_many_are_refused() {
    let Some((unsigned, signed)) = signed(PCA_2011, "-h sha256") else { return };
    let entry = &signed[unsigned.len()..];
    let new_header = u32::from_le_bytes(signed[0x3C..0x40].try_into().expect("four bytes")) as usize;
    let directory_size = new_header + 24 + 112 + 4 * 8 + 4;
    for count in [1, 2, 16, 17] {
        let mut repeated = [&signed[..unsigned.len()], &entry.repeat(count)].concat();
        let size = u32::try_from(entry.len() * count).expect("short");
        repeated[directory_size..][..4].copy_from_slice(&size.to_le_bytes());
        match super::read(&repeated).expect("a program").signers {
            Ok(signers) => {
                assert_eq!((signers.len(), count < 17), (count, true));
                assert!(signers.iter().all(|signer| signer.digest == SignedDigest::Matches));
            }
            Err(error) => assert_eq!((error.to_string().contains("more than 16"), count), (true, 17)),
        }
    }
}

#[test]
fn damage_gives_errors_or_facts_and_never_a_panic() {
    let Some((unsigned, signed)) = signed(CA_2023, "-h sha256") else { return };
    for len in (0..1024).chain(unsigned.len()..signed.len()) {
        // Cut inside the certificate table, whose place the header states.
        let read = super::read(&signed[..len]);
        assert!(read.and_then(|program| program.signers).is_err(), "cut to {len}");
    }
    let table = unsigned.len();
    let mut refused = 0;
    for at in (0..512).chain((table..signed.len()).step_by(7)) {
        let mut changed = signed.clone();
        changed[at] ^= 1 << (at % 8);
        refused += usize::from(super::read(&changed).and_then(|program| program.signers).is_err());
    }
    assert!(refused > 100, "changed lengths and tags are refused: {refused}");
}

/// A program with one section, which holds a version resource.
fn hand_made(machine: u16, wide: bool, subsystem: u16, version: [u16; 4]) -> Vec<u8> {
    let mut out = vec![0; 0x400];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3C, &[0x40]);
    put(0x40, b"PE\0\0");
    put(0x44, &machine.to_le_bytes());
    put(0x46, &[1]); // sections
    let (magic, counts, directories): (u16, usize, usize) =
        if wide { (0x20B, 108, 112) } else { (0x10B, 92, 96) };
    let optional_len = directories + 16 * 8;
    put(0x54, &(optional_len as u16).to_le_bytes());
    let optional = 0x58;
    put(optional, &magic.to_le_bytes());
    put(optional + 32, &[0, 0x10]); // section alignment
    put(optional + 36, &[0, 2]); // file alignment
    put(optional + 60, &[0, 2]); // size of headers
    put(optional + 68, &subsystem.to_le_bytes());
    put(optional + counts, &[16]);
    put(optional + directories + 2 * 8, &[0, 0x10, 0, 0, 0, 2]); // resources at 0x1000, 0x200 bytes
    let section = optional + optional_len;
    put(section, b".rsrc");
    put(section + 8, &[0, 2, 0, 0, 0, 0x10, 0, 0, 0, 2, 0, 0, 0, 2]); // sizes and places
    let mut resource = |at: usize, numbers: &[u32]| {
        for (index, number) in numbers.iter().enumerate() {
            put(0x200 + at + index * 4, &number.to_le_bytes());
        }
    };
    for (at, id, next) in [(0, 16, 0x8000_0018), (0x18, 1, 0x8000_0030), (0x30, 0x409, 0x48)] {
        resource(at, &[0, 0, 0, 1 << 16, id, next]);
    }
    resource(0x48, &[0x1058, 92, 0, 0]);
    resource(0x58, &[92 | 52 << 16]);
    let high = u32::from(version[0]) << 16 | u32::from(version[1]);
    let low = u32::from(version[2]) << 16 | u32::from(version[3]);
    resource(0x58 + 40, &[0xFEEF_04BD, 0x10000, high, low]);
    put(0x200 + 0x58 + 6, &to_utf16le("VS_VERSION_INFO"));
    out
}

#[test]
fn machine_subsystem_and_version_are_read() {
    for (id, wide, machine) in [
        (0x8664, true, Machine::X64),
        (0xAA64, true, Machine::Arm64),
        (0x014C, false, Machine::X86),
        (0x5064, true, Machine::Other(0x5064)),
    ] {
        for (subsystem, is_efi_application) in [(10, true), (16, false), (3, false)] {
            let read = super::read(&hand_made(id, wide, subsystem, [10, 0, 26100, 1882])).expect("sound");
            let expected = Executable {
                machine,
                is_efi_application,
                signers: Ok(vec![]),
                file_version: Ok(Some([10, 0, 26100, 1882])),
            };
            assert_eq!(read, expected);
        }
    }
}

#[test]
fn files_that_are_no_programs_or_contradict_themselves_are_refused() {
    let refused = |bytes: &[u8]| super::read(bytes).expect_err("refused");
    assert_eq!(refused(b""), PeError::NotPe { start: String::new() });
    assert_eq!(refused(b"\x7fELF and more"), PeError::NotPe { start: "7f454c4620616e64".into() });
    let sound = hand_made(0x8664, true, 10, [1, 2, 3, 4]);
    for len in 0..0x400 {
        assert!(super::read(&sound[..len]).is_err(), "cut to {len}");
    }
    let mut outside = sound.clone();
    outside[0x58 + 240 + 16..][..4].copy_from_slice(&0x201_u32.to_le_bytes());
    let expected = PeError::SectionOutside { index: 1, offset: 0x200, size: 0x201, len: 0x400 };
    assert_eq!(refused(&outside), expected);
}

#[test]
fn what_firmware_never_reads_does_not_hide_the_machine() {
    let sound = hand_made(0xAA64, true, 10, [1, 2, 3, 4]);
    let directories = 0x58 + 112;
    let read = |bytes: &[u8]| {
        let program = super::read(bytes).expect("a program");
        assert_eq!((program.machine, program.is_efi_application), (Machine::Arm64, true));
        program
    };
    let table = |len: u8, more: &[u8]| {
        let mut bytes = sound.clone();
        bytes[directories + 4 * 8..][..8].copy_from_slice(&[0, 4, 0, 0, len, 0, 0, 0]);
        bytes.extend(more);
        bytes
    };
    let entry = [16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0, 0, 0, 0, 0, 0, 0];
    let signers = |bytes: &[u8]| read(bytes).signers.expect_err("refused");
    assert!(matches!(signers(&table(16, &[])), PeError::CertificateTable { .. }));
    assert!(matches!(signers(&table(16, &entry)), PeError::Signature { index: 1, .. }));

    let mut overlapping = table(16, &entry);
    overlapping[0x46] = 2;
    let section = 0x58 + 240;
    overlapping.copy_within(section..section + 40, section + 40);
    overlapping[section + 40 + 16..][..8].copy_from_slice(&[0xFF, 3, 0, 0, 1, 0, 0, 0]);
    assert_eq!(signers(&overlapping), PeError::Sections { sections: 0x5FF, len: 0x410 });

    let mut short = sound.clone();
    short[0x200 + 0x48 + 4] = 20;
    assert!(matches!(read(&short).file_version, Err(PeError::Truncated(_))));
    assert_eq!(read(&short).signers, Ok(vec![]));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        changes in proptest::collection::vec((0_usize..0x400, any::<u8>()), 1..12),
        wide in any::<bool>(),
    ) {
        let mut bytes = hand_made(0x8664, wide, 10, [1, 2, 3, 4]);
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = super::read(&bytes);
    }
}
