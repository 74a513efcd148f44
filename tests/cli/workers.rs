//! The list of workers: the example, and how its mistakes are told.

use std::fmt::Write as _;
use std::path::Path;

use media_cli::workers::{Worker, read};
use secrecy::ExposeSecret;

use crate::support::{Sandbox, snapshot};

#[test]
fn the_example_is_a_list_of_workers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/workers.csv");
    let workers = read(Path::new(path)).map_err(|error| error.render(false)).expect(path);
    let [anna, boris, zoe] = <[Worker; 3]>::try_from(workers).ok().expect("there are three");
    let [anna, boris, zoe] = [&anna, &boris, &zoe];
    assert_eq!((anna.name.as_str(), boris.name.as_str()), ("Anna Example", "Example, Boris"));
    assert_eq!((zoe.serial.as_str(), zoe.line), ("RS-0044", 4));
    assert_eq!(names(anna), ["OSDTimeZone", "OSDComputerName"]);
    assert_eq!((names(boris), names(zoe)), (vec!["OSDComputerName"], vec![]));
    let password = boris.password.as_ref().map(ExposeSecret::expose_secret);
    assert_eq!(password, Some("tangle mosaic hatchet provost gravel"));
    assert_eq!(zoe.management_point.as_deref(), Some("https://mp-lab.contoso.com"));
    assert_eq!(zoe.extra, [("x-cost-centre".to_owned(), "4712".to_owned())]);
}

fn names(worker: &Worker) -> Vec<&str> {
    worker.variables.iter().map(|(name, _)| name.as_str()).collect()
}

/// No cell is repeated: it may be a password in the wrong place.
#[test]
fn mistakes_are_told_by_line_and_column_and_never_by_what_is_there() {
    const SECRET: &str = "S3cret";
    let sandbox = Sandbox::new();
    let mut transcript = String::new();
    for (name, text) in [
        ("nothing", String::new()),
        ("a misspelt column", format!("name,serial,OSDComputerName\nA,1,{SECRET}\n")),
        ("a column too few", "name,email\nA,a@b\n".to_owned()),
        ("a cell too many", format!("name,serial\nA,1\nB,2,{SECRET}\n")),
        ("a serial number", format!("name;serial\nA;{SECRET}/\n")),
        ("a computer name", format!("name;serial;computer-name\nA;1;{SECRET}_PC\n")),
        ("an open quotation mark", format!("name\tserial\tpassword\nA\t1\t\"{SECRET}\nB\t2\tx\n")),
        ("one password for two", format!("name,serial,password\nA,1,{SECRET}\n\nB,2,{SECRET}\n")),
        ("one serial number for two", "name,serial\nA,a1\nB,A1\n".to_owned()),
        ("the identity", format!("name,serial,var:_SMSTSMediaPFX\nA,1,{SECRET}\n")),
    ] {
        sandbox.write("workers.csv", text);
        let error = read(&sandbox.path("workers.csv")).err().expect(name);
        let said = error.render(false).replace(&sandbox.path("").display().to_string(), "");
        assert!(!said.contains(SECRET), "{said}");
        assert_eq!(error.exit() as u8, 3, "{name}");
        writeln!(transcript, "--- {name}\n{said}").expect("text can be added to");
    }
    sandbox.write("workers.csv", b"name,serial\nM\xFCller,1\n");
    let error = read(&sandbox.path("workers.csv")).err().expect("it is not text");
    transcript.push_str(&error.render(false).replace(&sandbox.path("").display().to_string(), ""));
    snapshot!("workers-refused", transcript);
}
