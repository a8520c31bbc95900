//! The fonts of a receipt, and which of them has a character. `service/fonts/README.md` says where they are from.

use rustybuzz::{Face, ttf_parser::GlyphId};

use crate::error::{Error, Result};

macro_rules! fonts {
    ($($name:literal)*) => {
        /// Name and file. The first two are the regular and the bold one; the others stand in for what those lack.
        const FONTS: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../../fonts/", $name, ".ttf")))),*];
    };
}

fonts! {
    "NotoSans-Regular"
    "NotoSans-Bold"
    "NotoSansArabic-Regular"
    "NotoSansArmenian-Regular"
    "NotoSansDevanagari-Regular"
    "NotoSansEthiopic-Regular"
    "NotoSansGeorgian-Regular"
    "NotoSansHebrew-Regular"
    "NotoSansThai-Regular"
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// One of the fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FontId(usize);

const REGULAR: FontId = FontId(0);
const BOLD: FontId = FontId(1);

pub(super) struct Loaded {
    pub name: &'static str,
    pub bytes: &'static [u8],
    pub face: Face<'static>,
}

impl Loaded {
    /// How wide a glyph is, as a part of the font's size.
    pub fn advance(&self, glyph: u16) -> f32 {
        let units = self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0);
        f32::from(units) / self.face.units_per_em() as f32
    }
}

/// All of them, read.
pub(super) struct Faces {
    all: Vec<(FontId, Loaded)>,
}

impl Faces {
    pub fn new() -> Result<Self> {
        let load = |(number, (name, bytes)): (usize, &(&'static str, &'static [u8]))| {
            let face = Face::from_slice(bytes, 0);
            let face = face.ok_or_else(|| Error::internal("a font cannot be read"))?;
            Ok((FontId(number), Loaded { name, bytes, face }))
        };
        Ok(Self { all: FONTS.iter().enumerate().map(load).collect::<Result<_>>()? })
    }

    pub fn get(&self, id: FontId) -> Result<&Loaded> {
        let found = self.all.get(id.0).map(|(_, loaded)| loaded);
        found.ok_or_else(|| Error::internal("there is no such font"))
    }

    /// The font to write a character with, beside what is written with another already. What none has is shown as a box.
    pub fn fitting(&self, weight: Weight, character: char, before: Option<FontId>) -> FontId {
        let main = match weight {
            Weight::Regular => REGULAR,
            Weight::Bold => BOLD,
        };
        let has = |id: FontId| {
            self.get(id).is_ok_and(|loaded| loaded.face.glyph_index(character).is_some())
        };
        // Marks, joiners and spaces stay with what they belong to.
        if let Some(before) = before.filter(|id| !character.is_alphanumeric() && has(*id)) {
            return before;
        }
        let others = self.all.iter().map(|(id, _)| *id).filter(|id| *id != REGULAR && *id != BOLD);
        [main].into_iter().chain(others).find(|id| has(*id)).unwrap_or(main)
    }
}
