//! Files with flaws: each is told with its file and line, and the rest comes in, or nothing with `--strict`.

use std::{fmt::Write as _, io::Write as _, path::Path};

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp,
    process::{binary, run},
};

use crate::import::{HEADER, STATIONS, files, import};

const GOOD: &str =
    "1,600,2014-03-01T08:00:00Z,Harbour,1,2014-03-01T08:10:00Z,Market,2,10,Subscriber,94107";

/// A line, and what is said of it.
const FLAWED: [(&str, &str); 14] = [
    (
        "x,600,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "trip_id: `x` is not a number",
    ),
    (
        "2,soon,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "duration: `soon` is not a number of seconds",
    ),
    (
        "3,-5,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "duration: -5 seconds are not between",
    ),
    (
        "4,600,2014-13-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "start_date: `2014-13-01T08:00:00Z` is not a time",
    ),
    (
        "5,600,1814-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "start_date: 1814-03-01T08:00:00Z is not between",
    ),
    (
        "6,600,2614-03-01T08:00:00Z,,1,2614-03-01T08:10:00Z,,2,10,Subscriber,",
        "start_date: 2614-03-01T08:00:00Z is not between",
    ),
    (
        "7,600,2014-03-01T08:00:00Z,,99,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "start_terminal: there is no station 99",
    ),
    (
        "8,600,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,-2,10,Subscriber,",
        "end_terminal: `-2` is not a number",
    ),
    (
        "9,600,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Pirate,",
        "subscription_type: `Pirate` is not a rider type",
    ),
    (
        "10,600,2014-03-01T08:00:00Z,,1,2014-03-02T08:10:00Z,,2,10,Subscriber,",
        "duration: 600 seconds, but end_date is 87000 seconds after",
    ),
    ("11,600,2014-03-01T08:00:00Z,1", "4 fields instead of 11"),
    (
        "1,600,2014-03-01T18:00:00Z,,1,2014-03-01T18:10:00Z,,2,10,Subscriber,",
        "trip_id: 1 was on an earlier line",
    ),
    (
        "\"12,600,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "1 fields instead of 11",
    ),
    (
        "99999999999,600,2014-03-01T08:00:00Z,,1,2014-03-01T08:10:00Z,,2,10,Subscriber,",
        "trip_id: `99999999999` is not a number",
    ),
];

#[rstest]
#[tokio::test]
async fn a_flawed_line_is_told_and_the_rest_comes_in(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut text = format!("{HEADER}\n{GOOD}\n");
    for (line, _) in FLAWED {
        writeln!(text, "{line}").unwrap();
    }
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(
        b"20,600,2014-03-01T08:00:00Z,\xff\xfe,1,2014-03-01T08:10:00Z,,2,10,Subscriber,\n",
    );
    bytes.extend(std::iter::repeat_n(b'7', 10 << 20));
    bytes.extend_from_slice(
        b"\n\n21,600,2014-03-02T08:00:00Z,,2,2014-03-02T08:10:00Z,,1,10,Customer,\n",
    );
    let [stations, trips] = files(&app.place, STATIONS, "");
    std::fs::write(&trips, bytes).unwrap();

    let (said, code) = import(&app.place, [&stations, &trips], &["--strict"]).await;
    assert!(code == 1 && said.contains("nothing was imported, because of --strict"), "{said}");
    assert_eq!(app.count("SELECT count(*) FROM tenant WHERE slug = 'tiny'").await, 0);

    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert_eq!(code, 0, "{said}");
    for (number, (_, flaw)) in (3..).zip(FLAWED) {
        let told = format!("trips.csv, line {number}: {flaw}");
        assert!(said.contains(&told), "{told}: {said}");
    }
    assert!(said.contains("trips.csv, line 17: not UTF-8"), "{said}");
    assert!(said.contains("trips.csv, line 18: longer than 64 KiB"), "{said}");
    assert!(said.contains("2  rentals"), "{said}");
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn what_is_not_a_table_is_refused_by_name() {
    let app = TestApp::start(Embedded).await;
    let trips = format!("{HEADER}\n{GOOD}\n");
    let [stations, good] = files(&app.place, STATIONS, &trips);
    let bad = app.place.folder.join("bad.csv");
    let cases: [(&[u8], &str); 7] = [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "bad.csv line 1: not UTF-8"),
        (b"<html>\n<body>", "is not a CSV file with the columns trip_id, duration,"),
        (b"trip_id,duration,start_date,start_terminal,end_date,end_terminal,bike_id,subscription_type\n", "with the column zip_code; its first line is: trip_id,"),
        (b"\xff\xfet\0r\0i\0p\0", "bad.csv is UTF-16: save it as UTF-8"),
        (b"PK\x03\x04....", "bad.csv is a zip archive"),
        (b"", "bad.csv is empty"),
        (b"\x1f\x8b\x08\0\0garbage", "bad.csv line 1: the file breaks off here"),
    ];
    for (bytes, told) in cases {
        std::fs::write(&bad, bytes).unwrap();
        let (said, code) = import(&app.place, [&stations, &bad], &[]).await;
        assert!(code == 1 && said.contains(told), "{told}: {said}");
    }
    let missing = app.place.folder.join("missing.csv");
    let folder = app.place.folder.clone();
    for unreadable in [missing.as_path(), folder.as_path()] {
        let (said, code) = import(&app.place, [unreadable, &good], &[]).await;
        assert!(code == 1 && said.contains("cannot be read"), "{said}");
    }
    assert_eq!(app.count("SELECT count(*) FROM tenant").await, 0);
}

#[tokio::test]
async fn other_line_ends_a_byte_order_mark_and_other_columns_do_not_matter() {
    let app = TestApp::start(Embedded).await;
    let trips = "\u{feff}zip_code,note,bike_id,\"end_terminal\",end_date,start_terminal,start_date,duration,trip_id,subscription_type\r\n\
        94107,\"a, b\",10,2,2014-03-01T08:10:00Z,1,2014-03-01T08:00:00Z,600,1,Subscriber\r\n\r\n";
    let [stations, trips] = files(&app.place, STATIONS, trips);
    let (said, code) = import(&app.place, [&stations, &trips], &["--strict"]).await;
    assert!(code == 0 && said.contains("1  rentals"), "{said}");
}

#[tokio::test]
async fn a_truncated_archive_gives_what_can_be_read_of_it() {
    let app = TestApp::start(Embedded).await;
    let mut text = format!("{HEADER}\n");
    for trip in 0..2_000 {
        let (hour, minute) = (trip / 60 % 24, trip % 60);
        let day = 1 + trip / 1_440;
        let start = format!("2014-03-{day:02}T{hour:02}:{minute:02}:00Z");
        writeln!(text, "{trip},{},{start},,1,{start},,3,{},Customer,94107", trip % 50, trip % 97)
            .unwrap();
    }
    let mut archive = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    archive.write_all(text.as_bytes()).unwrap();
    let mut archive = archive.finish().unwrap();
    archive.truncate(archive.len() / 2);
    let [stations, _] = files(&app.place, STATIONS, "");
    let trips = app.place.folder.join("trips.csv.gz");
    std::fs::write(&trips, archive).unwrap();

    let (said, code) = import(&app.place, [&stations, &trips], &["--strict"]).await;
    assert!(code == 1 && said.contains("the file breaks off here"), "{said}");
    assert_eq!(app.count("SELECT count(*) FROM tenant").await, 0);
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert!(
        code == 1
            && said.contains("trips.csv.gz, line")
            && said.contains("the file breaks off here"),
        "{said}"
    );
    let there = app.count("SELECT count(*) FROM rental").await;
    assert!(there > 100 && there < 2_000, "{there}");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_tenant_with_another_currency_is_refused() {
    let app = TestApp::start(Embedded).await;
    let tenant = [
        "tenant",
        "create",
        "tiny",
        "--name",
        "Tiny",
        "--time-zone",
        "Europe/Berlin",
        "--currency",
        "EUR",
    ];
    assert_eq!(run(&app.place.settings(), &tenant).await.1, 0);
    let [stations, trips] = files(&app.place, STATIONS, &format!("{HEADER}\n{GOOD}\n"));
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert!(code == 1 && said.contains("counts in EUR"), "{said}");
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 0);
}

/// No file may grow beyond what the import needs, as if the disk were full.
#[tokio::test]
async fn a_full_disk_leaves_a_database_that_opens() {
    let app = TestApp::start(Embedded).await;
    let kilobytes = 16_000;
    let script =
        format!("trap '' XFSZ; ulimit -f {kilobytes}; exec {} import bayarea", binary().display());
    let mut full = tokio::process::Command::new("bash");
    full.arg("-c").arg(script).kill_on_drop(true);
    for (name, value) in app.place.settings() {
        full.env(name, value);
    }
    let output = full.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let size = std::fs::metadata(Path::new(&app.place.folder).join("bikelease.db")).unwrap().len();
    assert!(size > 1_000_000, "the disk was full before anything happened: {said}");
    assert!(said.contains("full") || said.contains("disk"), "{said}");

    let clean = run(&app.place.settings(), &["invariants"]).await;
    assert_eq!(clean.1, 0, "{}", clean.0);
    let (said, code) = run(&app.place.settings(), &["import", "bayarea"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 31_682);
    app.assert_sound().await;
}
