//! Receipts of every sort as PDF.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    payment::Provider,
    receipt::{Kind, Line, LineKind, Lines, Model, Party, ReceiptId, Tax, Taxes},
};
use rust_decimal::Decimal;

use super::*;
use crate::receipt::lines::{self, Content};

fn line(kind: LineKind, text: &str, quantity: Option<i64>, amount_minor: i64) -> Line {
    Line { kind, text: text.to_owned(), quantity, amount_minor }
}

fn ride() -> Model {
    let id = |number| uuid::Uuid::from_u128(number);
    let lines = vec![
        line(LineKind::Unlock, "Unlocking", None, 100),
        line(LineKind::Minutes, "Riding time", Some(34), 340),
        line(LineKind::Tax, "Tax 25 %", None, 110),
    ];
    Model {
        tenant_id: Id::from_uuid(id(1)),
        id: ReceiptId::from_uuid(id(2)),
        number: "2035-000042".to_owned(),
        year: 2035,
        seq: 42,
        kind: Kind::Payment,
        payment_id: Id::from_uuid(id(3)),
        refund_id: None,
        round: 0,
        original_number: None,
        customer_id: Id::from_uuid(id(4)),
        rental_id: None,
        issued_at: "2035-01-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap(),
        time_zone: "Europe/Copenhagen".to_owned(),
        currency: "EUR".parse().unwrap(),
        total_minor: 550,
        tax_minor: 110,
        taxes: Taxes(vec![Tax { rate: Decimal::new(25, 2), net_minor: 440, amount_minor: 110 }]),
        description: "Rental of V17, 1 January 2035, 12:21\u{2009}–\u{2009}12:55".to_owned(),
        lines: Lines(lines),
        seller: Party { name: "Velo Nord".to_owned() },
        buyer: Party { name: "Ann Example".to_owned() },
        provider: Provider::Stripe,
        provider_reference: Some("ch_3PqX2eLkdIwHu7ix0rXkZl8d".to_owned()),
    }
}

fn refund() -> Model {
    let Content { total_minor, tax_minor, lines, taxes } = lines::counter(
        Kind::Refund,
        crate::receipt::tax::Taxed { total_minor: 275, tax_minor: 55 },
        Some(Decimal::new(25, 2)),
    );
    Model {
        number: "2035-000043".to_owned(),
        kind: Kind::Refund,
        original_number: Some("2035-000042".to_owned()),
        total_minor,
        tax_minor,
        lines,
        taxes,
        ..ride()
    }
}

fn in_currency(code: &str, time_zone: &str, amounts: [i64; 3]) -> Model {
    let [unlock, minutes, tax] = amounts;
    let mut receipt = ride();
    for (line, amount) in receipt.lines.0.iter_mut().zip(amounts) {
        line.amount_minor = amount;
    }
    receipt.taxes = Taxes(vec![Tax {
        rate: Decimal::new(10, 2),
        net_minor: unlock + minutes,
        amount_minor: tax,
    }]);
    receipt.total_minor = unlock + minutes + tax;
    receipt.tax_minor = tax;
    Model { currency: code.parse().unwrap(), time_zone: time_zone.to_owned(), ..receipt }
}

fn named(seller: &str, buyer: &str) -> Model {
    let party = |name: &str| Party { name: name.to_owned() };
    Model { seller: party(seller), buyer: party(buyer), ..ride() }
}

fn long() -> Model {
    let many = (1..=40).map(|number| {
        let text = match number % 7 {
            0 => "Riding time in the outer districts, beyond the ring road and before the morning of the next day",
            _ => "Riding time",
        };
        line(LineKind::Minutes, text, Some(number * 13), number * 1_111)
    });
    let lines: Vec<_> = many.collect();
    let total_minor = lines.iter().map(|line| line.amount_minor).sum();
    Model { lines: Lines(lines), total_minor, tax_minor: 0, taxes: Taxes(Vec::new()), ..ride() }
}

fn every_sort() -> Vec<Model> {
    let name = "Cooperative of the Bicycle Renters of the Northern Harbour ".repeat(3);
    let word = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren".repeat(3);
    vec![
        ride(),
        refund(),
        long(),
        in_currency("JPY", "Asia/Tokyo", [1_200, 1_234_567, 123_577]),
        in_currency("KWD", "Asia/Kuwait", [1_250, 12_345_678, 1_234_693]),
        named(&name, &word),
        named("", "\u{0}\u{7}\u{200d}\u{301}\u{1f6b2}\u{10ffff}"),
    ]
}

/// A page is an object of that type.
fn pages_in(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).matches("/Type/Page/").count()
}

#[test]
fn the_same_receipt_has_the_same_bytes() {
    for receipt in every_sort() {
        let pdf = render(&receipt).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7") && pdf.ends_with(b"%%EOF"));
        assert!(pdf == render(&receipt).unwrap(), "{}", receipt.buyer.name);
        assert!(pdf.len() < 60_000, "{} bytes", pdf.len());
    }
    assert!(render(&ride()).unwrap() != render(&refund()).unwrap());
}

#[test]
fn what_does_not_fit_goes_on_another_page() {
    assert_eq!(pages_in(&render(&ride()).unwrap()), 1);
    assert_eq!(pages_in(&render(&long()).unwrap()), 2);
}

#[test]
fn names_of_many_scripts_have_glyphs() {
    let faces = font::Faces::new().unwrap();
    let missing = |text: &str, weight| {
        let shaped = shape::shape(&faces, text, weight);
        let glyphs = shaped.clusters.iter().flat_map(|cluster| &cluster.glyphs);
        glyphs.filter(|glyph| glyph.id == 0).count()
    };
    for name in [
        "Łukasz Ångström-Ñúñez",
        "Nguyễn Thị Minh Khai",
        "Вело Север, Ґанна Ўлад",
        "Ποδήλατα Αθήνα ΑΕ",
        "काठमाडौं साइकल भाडा प्रा. लि.",
        "አዲስ ብስክሌት ኪራይ",
        "شركة الدراجات 24 الكويتية",
        "אופני תל אביב",
        "สมชาย ใจดี",
        "ქეთევან და Արամ",
        "−1\u{202f}234.50 € £ ₹ ₦ ₪ ₫ №",
    ] {
        for weight in [font::Weight::Regular, font::Weight::Bold] {
            assert_eq!(missing(name, weight), 0, "{name}");
        }
    }
    // Two boxes, and everything else as it should be.
    assert_eq!(missing("Li Lei 李雷", font::Weight::Regular), 2);
}

#[test]
fn what_is_written_from_the_right_comes_from_the_right() {
    let faces = font::Faces::new().unwrap();
    let seen = |text: &str| -> String {
        let shaped = shape::shape(&faces, text, font::Weight::Regular);
        shaped.clusters.iter().map(|cluster| cluster.text.as_str()).collect()
    };
    assert_eq!(seen("Ann"), "Ann");
    assert_eq!(seen("דוד"), "דוד".chars().rev().collect::<String>());
    // Numbers are read from the left everywhere; as the last word they stand on the left.
    assert_eq!(seen("דוד 24"), format!("24 {}", seen("דוד")));
}

#[test]
fn lines_are_no_wider_than_the_paper() {
    let faces = font::Faces::new().unwrap();
    for text in ["a few words that go on and on and on", "Wolfeschlegelsteinhausenbergerdorff", ""]
    {
        let lines = shape::wrap(&faces, text, font::Weight::Bold, 5.0);
        assert!(lines.iter().all(|line| line.width <= 5.0), "{text}");
        let words = |text: &str| text.replace(' ', "");
        let joined: String = lines
            .iter()
            .flat_map(|line| &line.clusters)
            .map(|cluster| cluster.text.as_str())
            .collect();
        assert_eq!(words(&joined), words(text));
    }
}
