//! Places where the output cannot be made.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{REAL, case, check};
use crate::fixtures;
use crate::support::Sandbox;

#[test]
fn places() {
    let at = |output: &str| REAL.replace("out.iso", output);
    check(
        "outputs",
        &[
            case("in a missing folder", 4, &at("no/such/out.iso")),
            case("below a file", 4, &at("file/out.iso")).with(|sandbox| _ = sandbox.write("file", "x")),
            case("is there", 4, REAL).with(|sandbox| _ = sandbox.write("out.iso", "old")).about_output(),
            case("is there in another case", 4, &at("./out.iso"))
                .with(|sandbox| _ = sandbox.write("out.iso", "old"))
                .about_output(),
            case("is a folder", 4, &format!("{} --format iso", at("folder")))
                .with(|sandbox| _ = sandbox.write("folder/x", "")),
            case("is a folder, by force", 4, &format!("{} --format iso --force", at("folder")))
                .with(|sandbox| _ = sandbox.write("folder/x", ""))
                .about_output(),
            case("ends in a slash", 2, &format!("{} --format iso", at("out/"))),
            case("is the folder above", 4, &format!("{} --format iso --force", at(".."))).about_output(),
            case("is a device", 4, &format!("{} --format img --force", at("/dev/null"))).about_output(),
            case("is a link to nowhere", 4, REAL)
                .with(|sandbox| symlink("gone.iso", sandbox.path("out.iso")).expect("a link"))
                .about_output(),
            case("has a name that is too long", 4, &at(&format!("{}.iso", "x".repeat(300)))),
        ],
    );
}

#[test]
fn inputs_are_never_replaced() {
    let forced = |output: &str| format!("{} --force", REAL.replace("out.iso", output));
    check(
        "outputs-that-are-inputs",
        &[
            case("the boot image", 2, &format!("{} --format iso", forced("boot.wim")))
                .with(|sandbox| _ = sandbox.write("boot.wim", "x")).about_output(),
            case("the boot image by another path", 2, &format!("{} --format iso", forced("./folder/../boot.wim")))
                .with(|sandbox| _ = sandbox.write("boot.wim", "x").write("folder/x", "")).about_output(),
            case("the boot image by a symbolic link", 2, &forced("out.iso"))
                .with(|sandbox| {
                    sandbox.write("boot.wim", "x");
                    symlink("boot.wim", sandbox.path("out.iso")).expect("a link");
                })
                .about_output(),
            case("the boot image by a hard link", 2, &forced("out.iso"))
                .with(|sandbox| {
                    sandbox.write("boot.wim", "x");
                    fs::hard_link(sandbox.path("boot.wim"), sandbox.path("out.iso")).expect("a link");
                })
                .about_output(),
            case("the boot image without force", 2, REAL)
                .with(|sandbox| {
                    sandbox.write("boot.wim", "x");
                    fs::hard_link(sandbox.path("boot.wim"), sandbox.path("out.iso")).expect("a link");
                })
                .about_output(),
            case("the password file", 2, &format!("{} --format iso --password-file password.txt", forced("password.txt")))
                .with(|sandbox| _ = sandbox.write("password.txt", "x")).about_output(),
            case("a certificate", 2, &format!("{} --format iso --trusted-root root.cer", forced("root.cer")))
                .with(|sandbox| _ = sandbox.write("root.cer", "x")).about_output(),
            case("a boot file", 2, &format!("{} --format iso --boot-file boot/boot.sdi=boot.sdi", forced("boot.sdi")))
                .with(|sandbox| _ = sandbox.write("boot.sdi", "x")).about_output(),
            case("the spec file", 2, "create --spec media.toml --output media.toml --format iso --force")
                .with(|sandbox| {
                    let text = "[boot]\nboot-image = \"boot.wim\"\n[site]\nsite-code = \"PS1\"\nmanagement-point = [\"mp\"]\n";
                    sandbox.write("media.toml", text);
                })
                .about_output(),
        ],
    );
}

#[test]
fn sizes() {
    let img = REAL.replace("out.iso", "out.img");
    check(
        "sizes",
        &[
            case("too small for the content", 2, &format!("{img} --size 1M")).with(fixtures::boot_image),
            case("too small, with an MBR", 2, &format!("{img} --size 32M --partition-scheme mbr"))
                .with(fixtures::boot_image),
            case(
                "too small for FAT32 with such clusters",
                2,
                &format!("{img} --size 100M --cluster-size 32K"),
            )
            .with(fixtures::boot_image),
        ],
    );
}

/// Runs a script against a good boot image; nothing may be left behind, and the old output stays.
fn fails_cleanly(sandbox: &Sandbox, script: &str, code: i32, message: &str) {
    sandbox.write("out.img", "the old output\n");
    let before = sandbox.listing();
    let outcome = sandbox.shell(script);
    assert_eq!(outcome.code, code, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    assert!(before == sandbox.listing(), "something was left behind or changed");
}

#[test]
fn a_limit_on_file_sizes() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    let img = REAL.replace("out.iso", "out.img");
    // A process that exceeds the limit is ended on the spot, unless whoever started it says otherwise.
    for trap in ["", "trap '' XFSZ; "] {
        let script = format!("{trap}ulimit -f 1024; exec \"$TSMEDIA\" {img} --force");
        fails_cleanly(&sandbox, &script, 4, "cannot write out.img");
    }
}

#[test]
fn a_boot_image_that_changes_while_it_is_read() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    let img = REAL.replace("out.iso", "out.img");
    let password = fixtures::MEDIA_PASSWORD;
    // The boot image is open by the time the password is read, which waits for one.
    let script = format!(
        "mkfifo pipe; \"$TSMEDIA\" {img} --force --password-file pipe & exec 3>pipe; rm pipe; \
         cp boot.wim copy; printf x >> boot.wim; echo {password} >&3; exec 3>&-; wait $!; \
         code=$?; mv copy same; cat same > boot.wim; rm same; exit $code"
    );
    fails_cleanly(&sandbox, &script, 3, "the boot image boot.wim changed while it was read");
}

#[test]
fn inputs_that_nobody_writes_to_are_not_waited_for() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    let img = REAL.replace("out.iso", "out.img");
    let image = img.replace("boot.wim", "pipe");
    let script =
        format!("mkfifo pipe; timeout 20 \"$TSMEDIA\" {image} --force; code=$?; rm pipe; exit $code");
    fails_cleanly(&sandbox, &script, 3, "cannot read the boot image pipe: it is a pipe");
}

#[test]
fn a_full_disk() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("disk/keep", "");
    let mount = "mount -t tmpfs -o size=1m tmpfs disk";
    if sandbox.shell(&format!("unshare --mount sh -c '{mount}'")).code != 0 {
        eprintln!("skipped: no small file system can be mounted here without root");
        return;
    }
    let img = REAL.replace("out.iso", "disk/out.img");
    // The listing of the small disk is what the script prints: it is gone when the script ends.
    let script = format!(
        "unshare --mount sh -c '{mount} && echo old > disk/out.img && \"$TSMEDIA\" {img} --force; \
         code=$?; ls -A disk; cat disk/out.img; exit $code'"
    );
    let outcome = sandbox.shell(&script);
    assert_eq!(outcome.code, 4, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "out.img\nold\n", "{}", outcome.stderr);
    crate::support::snapshot!("a-full-disk", outcome.stderr);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("folder/keep", "");
    let folder = sandbox.path("folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("it is ours");
    if fs::write(folder.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let outcome = sandbox.run(&REAL.replace("out.iso", "folder/out.iso").split(' ').collect::<Vec<_>>());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    assert_eq!(outcome.code, 4, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("cannot write folder/out.iso"), "{}", outcome.stderr);
}

#[test]
fn interruption_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::new();
        fixtures::boot_image(&sandbox);
        sandbox.write("out.img", "the old output\n");
        // Enough to copy and to read back that there is time to stop it.
        fs::File::create(sandbox.path("large.bin"))
            .and_then(|file| file.set_len(512 << 20))
            .expect("a sparse file");
        let before = sandbox.listing();
        let arguments = REAL.replace("out.iso", "out.img --force --verify --boot-file large.bin=large.bin");
        let mut child = sandbox.start(&arguments.split(' ').collect::<Vec<_>>());
        // By its name alone: who reads a file that grows reads until it is whole.
        let is_made = || {
            let mut entries = fs::read_dir(sandbox.path(".")).expect("the folder can be read").flatten();
            entries.any(|entry| entry.file_name().to_string_lossy().ends_with(".partial"))
        };
        while !is_made() {
            let ended = child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "it ended before it could be stopped: {}", Sandbox::end(child).stderr);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        send(signal, &child);
        let outcome = Sandbox::end(child);
        assert_eq!(outcome.code, 130, "{signal}: {}", outcome.stderr);
        assert_eq!(outcome.stderr, "error: interrupted; nothing was left behind\n");
        assert!(before == sandbox.listing(), "{signal}: something was left behind or changed");
    }
}

#[test]
fn an_interrupted_check_is_no_damage() {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    // Enough to read that there is time to stop it.
    fs::File::create(sandbox.path("large.bin"))
        .and_then(|file| file.set_len(512 << 20))
        .expect("a sparse file");
    let arguments = REAL.replace("out.iso", "out.img --boot-file large.bin=large.bin");
    assert_eq!(sandbox.run(&arguments.split(' ').collect::<Vec<_>>()).code, 0);
    let child = sandbox.start(&["verify", "out.img"]);
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        u64::from_str_radix(caught.trim(), 16).is_ok_and(|signals| signals >> (SIGINT - 1) & 1 == 1)
    };
    while !listens() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    send("INT", &child);
    let outcome = Sandbox::end(child);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (130, ""), "{}", outcome.stderr);
}

/// Its number on Linux.
const SIGINT: u32 = 2;

fn send(signal: &str, child: &std::process::Child) {
    // The shell's own: a small system has no program of that name.
    let command = format!("kill -s {signal} {}", child.id());
    let kill = std::process::Command::new("sh").args(["-c", &command]).status();
    assert!(kill.is_ok_and(|status| status.success()));
}
