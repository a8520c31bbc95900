//! The parts of fonts that a document uses, within it: each with its glyphs alone, and with the text that they stand for.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
};

use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Chunk, Filter, Name, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use subsetter::GlyphRemapper;

use super::font::{Faces, FontId, Loaded};
use crate::{
    error::{Error, Result},
    keys::sha256,
};

const SYSTEM: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// No glyph has it.
const NO_TEXT: &str = "";

/// Which glyphs of which fonts; one code for each glyph and text, so that one glyph may stand for two texts.
#[derive(Default)]
pub(super) struct Fonts {
    used: BTreeMap<FontId, Used>,
    /// The last code that was given out, of any font. 0 is no glyph.
    last: u16,
}

#[derive(Default)]
struct Used {
    codes: HashMap<(u16, String), u16>,
    /// Code, glyph and text, in the order of the codes.
    glyphs: Vec<(u16, u16, String)>,
}

/// What a page calls a font.
pub(super) fn resource(id: FontId) -> String {
    format!("{id:?}").replace(['(', ')'], "")
}

impl Fonts {
    /// The code under which a glyph stands for a text, or for none where several stand for one.
    pub fn code(&mut self, font: FontId, glyph: u16, text: Option<&str>) -> u16 {
        let used = self.used.entry(font).or_default();
        let key = (glyph, text.unwrap_or(NO_TEXT).to_owned());
        if let Some(code) = used.codes.get(&key) {
            return *code;
        }
        self.last = self.last.saturating_add(1);
        used.glyphs.push((self.last, glyph, key.1.clone()));
        used.codes.insert(key, self.last);
        self.last
    }

    /// Writes them; gives their names on the pages.
    pub fn write(
        &self,
        chunk: &mut Chunk,
        next: &mut Ref,
        faces: &Faces,
    ) -> Result<Vec<(String, Ref)>> {
        let write = |(id, used): (&FontId, &Used)| {
            let font = used.write(chunk, next, faces.get(*id)?)?;
            Ok((resource(*id), font))
        };
        self.used.iter().map(write).collect()
    }
}

impl Used {
    fn write(&self, chunk: &mut Chunk, next: &mut Ref, loaded: &Loaded) -> Result<Ref> {
        let [font, cid, descriptor, cmap, map, file] = std::array::from_fn(|_| next.bump());
        let mut kept = GlyphRemapper::new();
        for (_, glyph, _) in &self.glyphs {
            kept.remap(*glyph);
        }
        let subset = subsetter::subset(loaded.bytes, 0, &kept).map_err(Error::internal)?;
        let name = format!("{}+{}", tag(&subset), loaded.name);
        let name = Name(name.as_bytes());
        chunk
            .type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);
        self.write_cid_font(chunk, cid, (name, descriptor, map), loaded);
        write_descriptor(chunk, descriptor, (name, file), loaded);
        chunk.cmap(cmap, self.unicode().as_slice());
        compressed(chunk, map, &self.glyphs_by_code(&kept), None)?;
        compressed(chunk, file, &subset, Some(subset.len()))?;
        Ok(font)
    }

    fn write_cid_font(
        &self,
        chunk: &mut Chunk,
        id: Ref,
        (name, descriptor, map): (Name<'_>, Ref, Ref),
        loaded: &Loaded,
    ) {
        let mut font = chunk.cid_font(id);
        font.subtype(CidFontType::Type2).base_font(name).system_info(SYSTEM);
        font.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_stream(map);
        let mut widths = font.widths();
        for (code, glyph, _) in &self.glyphs {
            widths.consecutive(*code, [loaded.advance(*glyph) * 1_000.0]);
        }
    }

    fn unicode(&self) -> pdf_writer::Buf {
        let mut cmap = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (code, _, text) in self.glyphs.iter().filter(|(.., text)| text != NO_TEXT) {
            cmap.pair_with_multiple(*code, text.chars());
        }
        cmap.finish()
    }

    /// Two bytes for each code up to the last one.
    fn glyphs_by_code(&self, kept: &GlyphRemapper) -> Vec<u8> {
        let mut map = Vec::new();
        for (code, glyph, _) in &self.glyphs {
            map.resize(usize::from(*code) * 2, 0);
            map.extend(kept.get(*glyph).unwrap_or(0).to_be_bytes());
        }
        map
    }
}

fn write_descriptor(chunk: &mut Chunk, id: Ref, (name, file): (Name<'_>, Ref), loaded: &Loaded) {
    let face = &loaded.face;
    let size = face.units_per_em() as f32;
    let scaled = |units: i16| f32::from(units) / size * 1_000.0;
    let around = face.global_bounding_box();
    let around = Rect::new(
        scaled(around.x_min),
        scaled(around.y_min),
        scaled(around.x_max),
        scaled(around.y_max),
    );
    chunk
        .font_descriptor(id)
        .name(name)
        .flags(FontFlags::SYMBOLIC)
        .bbox(around)
        .italic_angle(0.0)
        .ascent(scaled(face.ascender()))
        .descent(scaled(face.descender()))
        .cap_height(scaled(face.capital_height().unwrap_or(face.ascender())))
        .stem_v(if face.is_bold() { 140.0 } else { 90.0 })
        .font_file2(file);
}

fn compressed(chunk: &mut Chunk, id: Ref, bytes: &[u8], length: Option<usize>) -> Result<()> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(6));
    packed.write_all(bytes).map_err(Error::internal)?;
    let packed = packed.finish().map_err(Error::internal)?;
    let mut stream = chunk.stream(id, &packed);
    stream.filter(Filter::FlateDecode);
    if let Some(length) = length {
        stream.pair(Name(b"Length1"), i32::try_from(length).map_err(Error::internal)?);
    }
    Ok(())
}

/// Six letters that name this part of the font.
fn tag(subset: &[u8]) -> String {
    sha256(subset).iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
}
