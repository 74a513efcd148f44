use super::*;

const STEPS: &str = r#"<sequence version="3.10"><referenceList><reference package="PS100020"/><reference application="ScopeId_1/Application_2"/></referenceList>
<group name="Install" disable="true"><step type="SMS_TaskSequence_ApplyOperatingSystemAction" name="Off by its group"/></group>
<group name="Inside"><condition><operator type="and"/></condition><group name="Deeper">
<step type="SMS_TaskSequence_ApplyNetworkSettingsAction" name="Network"><action>osdnetsettings.exe configure</action>
<defaultVarList><variable name="OSDJoinAccount" property="DomainUsername">planted-account</variable><variable name="OSDJoinPassword" property="DomainPassword">planted-password</variable>
<variable name="OSDNetworkJoinType" property="NetworkJoinType">0</variable></defaultVarList></step></group></group>
<step type="SMS_TaskSequence_SetupWindowsAndSMSAction" name="Client"><condition/><defaultVarList><variable name="SMSClientInstallProperties" property="ClientInstallProperties">/regtoken:planted-token ccmhostname="cmg.contoso.com/CCM_Proxy_MutualAuth/1" SMSMP=x</variable></defaultVarList></step>
<step type="SMS_TaskSequence_SetVariableAction" name="Set"><defaultVarList><variable name="VariableName" property="VariableName">OSDJoinType</variable><variable name="VariableValue" property="VariableValue">planted-value</variable></defaultVarList></step>
<subtasksequence type="SMS_TaskSequence_SubTasksequence" name="Run"><defaultVarList><variable name="OSDSubTasksequencePackageID" property="TsPackageID">PS100099</variable></defaultVarList></subtasksequence>
</sequence>"#;

fn object(id: &str, sequence: &str) -> String {
    format!(
        r#"<INSTANCE CLASSNAME="SMS_TaskSequencePackage"><PROPERTY NAME="DependentProgram" TYPE="string"><QUALIFIER NAME="CIMTYPE"><VALUE>string</VALUE></QUALIFIER><VALUE></VALUE></PROPERTY><PROPERTY NAME="PackageID"><QUALIFIER NAME="key"><VALUE>TRUE</VALUE></QUALIFIER><VALUE>{id}</VALUE></PROPERTY><PROPERTY NAME="Sequence"><VALUE><![CDATA[{sequence}]]></VALUE></PROPERTY></INSTANCE>"#
    )
}

#[test]
fn steps_are_read_with_what_rules_ask_for_and_nothing_else() {
    let read = read(STEPS.as_bytes()).expect("it is one");
    let steps: Vec<_> =
        read.steps.iter().map(|step| (step.name.as_str(), step.is_enabled, step.is_conditional)).collect();
    let expected = [
        ("Off by its group", false, false),
        ("Network", true, true),
        ("Client", true, false),
        ("Set", true, false),
    ];
    assert_eq!(steps, expected);
    assert_eq!(read.steps[1].settings.join_type.as_deref(), Some("0"));
    let host = "cmg.contoso.com/CCM_Proxy_MutualAuth/1";
    assert_eq!(read.steps[2].settings.client_host_name.as_deref(), Some(host));
    assert_eq!(read.sets("osdjointype").map(|step| step.name.as_str()), Some("Set"));
    assert_eq!(read.references.iter().collect::<Vec<_>>(), ["PS100020", "ScopeId_1/Application_2"]);
    assert_eq!(read.missing.iter().collect::<Vec<_>>(), ["PS100099"]);
    assert!(!read.deploys_operating_system() && !read.upgrades());
    assert_eq!((read.package_id, read.first_program), (None, None));
    // Passwords, tokens and values are not kept.
    let kept = format!("{:?}", read.steps);
    assert!(!kept.contains("planted"), "{kept}");
}

#[test]
fn the_object_says_more_than_the_sequence() {
    let read = read(object("PS100012", STEPS).as_bytes()).expect("it is one");
    assert_eq!(read.package_id.as_deref(), Some("PS100012"));
    assert_eq!(read.first_program.as_deref(), Some(""));
    assert_eq!(read.steps.len(), 4);
    // Escaped instead of character data, as other exporters write it.
    let escaped =
        object("PS100012", "").replace("<![CDATA[]]>", &STEPS.replace('&', "&amp;").replace('<', "&lt;"));
    assert_eq!(super::read(escaped.as_bytes()).expect("it is one").steps.len(), 4);
}

#[test]
fn what_is_wrong_is_named_and_not_quoted() {
    let failed = |text: &str| read(text.as_bytes()).expect_err("it is none");
    let none = String::new;
    let unclosed = failed("<sequence>\n<planted></other></sequence>");
    assert!(matches!(unclosed, TaskSequenceError::Xml { line: 2, .. }), "{unclosed}");
    assert_eq!(failed("<planted/>"), TaskSequenceError::Root { file: none() });
    assert_eq!(failed(r#"<INSTANCE CLASSNAME="SMS_Package"/>"#), TaskSequenceError::Root { file: none() });
    assert_eq!(
        failed(r#"<INSTANCE CLASSNAME="SMS_TaskSequencePackage"/>"#),
        TaskSequenceError::NoSequence { file: none() }
    );
    assert_eq!(failed(&object("PS100012", "<planted/>")), TaskSequenceError::NoSequence { file: none() });
    assert_eq!(read(&[0xC0, 0x80]), Err(TaskSequenceError::NotText { file: none() }));
    assert!(matches!(read(b"PK\x03\x04"), Err(TaskSequenceError::Zip(_))));
    for text in ["<sequence>\n<planted></other></sequence>", "<planted/>"] {
        assert!(!failed(text).to_string().contains("planted"));
    }
}

#[test]
fn groups_may_be_as_deep_as_the_reader_of_xml_takes() {
    let deep = format!("<sequence>{}{}</sequence>", "<group>".repeat(900), "</group>".repeat(900));
    assert!(read(deep.as_bytes()).is_ok());
    let endless = format!("<sequence>{}", "<group>".repeat(200_000));
    assert!(read(endless.as_bytes()).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_bring_it_down(at in 0_usize..2000, noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..8)) {
        let mut bytes = object("PS100012", STEPS).into_bytes();
        for (offset, byte) in noise.iter().enumerate() {
            let place = (at + offset) % bytes.len();
            bytes[place] = *byte;
        }
        let _ = read(&bytes);
    }
}
