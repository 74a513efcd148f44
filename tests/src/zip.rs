//! Archives of stored files, written by hand: what reads them shares no code with this.

/// A ZIP archive (APPNOTE 4.3) of files, by name, that are stored and not packed.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let offset = long(out.len());
        let mut facts = Vec::new();
        // Version 2.0, no flags, stored, 1 January 2020.
        facts.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x50]);
        facts.extend(crc32(bytes).to_le_bytes());
        facts.extend(long(bytes.len()));
        facts.extend(long(bytes.len()));
        facts.extend(short(name.len()));
        facts.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&facts);
        out.extend(name.as_bytes());
        out.extend(*bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&facts);
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name.as_bytes());
    }
    let start = long(out.len());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(short(files.len()));
    out.extend(short(files.len()));
    out.extend(long(directory.len()));
    out.extend(start);
    out.extend([0, 0]);
    out
}

/// The export of a task sequence as the console writes it: a package (OPC) with the task sequence's object.
pub fn task_sequence_export(id: &str, sequence: &str, first_program: &str) -> Vec<u8> {
    let property = |name: &str, value: &str| {
        format!(
            "  <PROPERTY NAME=\"{name}\" CLASSORIGIN=\"SMS_TaskSequencePackage\" TYPE=\"string\">\n    \
             <QUALIFIER NAME=\"CIMTYPE\" PROPAGATED=\"true\" TYPE=\"string\" TOINSTANCE=\"true\">\n      \
             <VALUE>string</VALUE>\n    </QUALIFIER>\n    <VALUE>{value}</VALUE>\n  </PROPERTY>\n"
        )
    };
    let object = format!(
        "<INSTANCE CLASSNAME=\"SMS_TaskSequencePackage\">\n{}{}{}{}</INSTANCE>\n",
        property("DependentProgram", first_program),
        property("Name", "Remote rebuild"),
        property("PackageID", id),
        property("Sequence", &format!("<![CDATA[{sequence}]]>")),
    );
    let types = b"<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
    zip(&[
        ("[Content_Types].xml", types),
        ("Manifest.xml", b"<Manifest/>"),
        (&format!("SMS_TaskSequencePackage/{id}/ReferencesInfo.xml"), b"<References/>"),
        (&format!("SMS_TaskSequencePackage/{id}/object.xml"), object.as_bytes()),
    ])
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).expect("fixtures are small").to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("fixtures are small").to_le_bytes()
}

/// CRC-32 (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
