//! One line of CSV after RFC 4180. Text is always quoted, numbers never, so that `-5.00` stays a number.

use rust_decimal::Decimal;

/// What makes a spreadsheet take a text for a formula.
const ACTIVE: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

#[derive(Default)]
pub(super) struct Row(String);

impl Row {
    fn cell(&mut self) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
    }

    /// One that a spreadsheet would run begins with `'`.
    pub fn text(&mut self, text: &str) {
        self.cell();
        self.0.push('"');
        if text.starts_with(ACTIVE) {
            self.0.push('\'');
        }
        self.0 += &text.replace('"', "\"\"");
        self.0.push('"');
    }

    pub fn number(&mut self, number: Decimal) {
        self.cell();
        self.0 += &number.to_string();
    }

    /// A text, or nothing.
    pub fn id<I: entity::Id>(&mut self, id: Option<I>) {
        match id {
            Some(id) => self.text(&id.to_string()),
            None => self.nothing(),
        }
    }

    /// Never the first one of a row.
    pub fn nothing(&mut self) {
        self.cell();
    }

    pub fn end(mut self) -> String {
        self.0 += "\r\n";
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        let mut row = Row::default();
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=b", "", "say \"hi\", twice"] {
            row.text(text);
        }
        row.number(Decimal::new(-500, 2));
        row.nothing();
        row.number(Decimal::new(5, 0));
        let expected = concat!(
            r#""'=1+1","'+1","'-1","'@SUM(A1)","#,
            "\"'\tx\",\"'\rx\",",
            r#""a=b","","say ""hi"", twice",-5.00,,5"#,
            "\r\n"
        );
        assert_eq!(row.end(), expected);
    }
}
