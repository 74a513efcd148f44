//! What can be asked of any Windows without changing it, and of a machine that runs its programs.

use super::*;

#[test]
fn windows_says_where_it_is_twice() {
    let folder = windows_folder().expect("it runs from somewhere");
    let root =
        machine_text(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "SystemRoot").expect("it is said");
    assert_eq!(folder.to_ascii_lowercase(), root.to_ascii_lowercase());
    assert_eq!(machine_text(r"SOFTWARE\No\Such\Key", "SystemRoot"), None);
}

#[test]
fn volumes_have_names_and_places() {
    let names = volumes().expect("they are listed");
    assert!(!names.is_empty());
    let mut places = Vec::new();
    for name in &names {
        assert!(name.starts_with(r"\\?\Volume{") && name.ends_with('\\'), "{name}");
        let device = name.trim_start_matches(r"\\?\").trim_end_matches('\\');
        assert!(kernel_name(device).expect("it is a device").starts_with(r"\Device\"), "{device}");
        places.extend(mounted_at(name).expect("it is a volume"));
    }
    let folder = windows_folder().expect("it runs from somewhere").to_ascii_lowercase();
    assert!(places.iter().any(|place| folder.starts_with(&place.to_ascii_lowercase())), "{places:?}");
    assert!(mounted_at(r"\\?\Volume{00000000-0000-0000-0000-000000000000}\").is_err());
    assert_eq!(kernel_name("No such device"), None);
}

#[test]
fn what_is_not_there_is_an_error_and_no_panic() {
    assert_eq!(parent(u32::MAX), None);
    assert_eq!(instance(u32::MAX), None);
    assert_eq!(location(u32::MAX), None);
    let file = File::open(std::env::current_exe().expect("it runs")).expect("it can be read");
    assert!(control(&file, 0x0007_00a0, &[], 16).is_err());
    assert!(disk_interfaces().is_ok());
    let _ = page_files();
}

#[test]
fn texts_end_where_they_end() {
    let letters = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    assert_eq!(text(&letters("E:\0F:")), "E:");
    assert_eq!(text(&letters("E:")), "E:");
    assert_eq!(texts(&letters("E:\\\0F:\\\0\0G:\\")), [r"E:\", r"F:\"]);
    assert_eq!(texts(&[]), [""; 0]);
}
