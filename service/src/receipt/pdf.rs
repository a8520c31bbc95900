//! A receipt as a PDF: made from its row alone, so that the same receipt always has the same bytes.

mod document;
mod embed;
mod font;
mod layout;
mod shape;
mod sheet;

use entity::receipt::Model;

use crate::error::Result;

/// Computes without a pause: for a thread that may be busy.
pub fn render(receipt: &Model) -> Result<Vec<u8>> {
    let faces = font::Faces::new()?;
    let pages = layout::pages(receipt, &faces);
    document::write(receipt, &faces, &pages)
}

/// `receipt-2026-000042.pdf`.
pub fn file_name(receipt: &Model) -> String {
    format!("receipt-{}.pdf", receipt.number)
}

#[cfg(test)]
mod tests;
