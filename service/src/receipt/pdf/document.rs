//! Pages as the bytes of a PDF.

use chrono::{Datelike, Timelike};
use entity::receipt::Model;
use pdf_writer::{Chunk, Content, Date, Name, Pdf, Rect, Ref, Settings, Str, TextStr};

use super::{
    embed::{Fonts, resource},
    font::Faces,
    shape::{Cluster, Shaped},
    sheet::{Color, HEIGHT, Item, Style, WIDTH},
};
use crate::{
    error::{Error, Result},
    keys::sha256,
    receipt::send,
};

const COMPACT: Settings = Settings { pretty: false };

pub(super) fn write(receipt: &Model, faces: &Faces, pages: &[Vec<Item>]) -> Result<Vec<u8>> {
    let mut fonts = Fonts::default();
    let contents = pages.iter().map(|page| content(page, faces, &mut fonts));
    let contents = contents.collect::<Result<Vec<_>>>()?;

    let mut next = Ref::new(1);
    let [catalog, tree, info] = std::array::from_fn(|_| next.bump());
    let mut body = Chunk::with_settings(COMPACT);
    let resources = fonts.write(&mut body, &mut next, faces)?;
    let mut kids = Vec::new();
    for content in &contents {
        let [page, stream] = std::array::from_fn(|_| next.bump());
        kids.push(page);
        body.stream(stream, content);
        let mut page = body.page(page);
        page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(stream);
        let mut resource = page.resources();
        resource.fonts().pairs(resources.iter().map(|(name, id)| (Name(name.as_bytes()), *id)));
    }

    let mut pdf = Pdf::with_settings(COMPACT);
    pdf.set_version(1, 7);
    let id = sha256(receipt.id.to_string().as_bytes());
    pdf.set_file_id((id.clone(), id));
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("en"));
    root.viewer_preferences().display_doc_title(true);
    drop(root);
    let count = i32::try_from(kids.len()).map_err(Error::internal)?;
    pdf.pages(tree).kids(kids).count(count);
    pdf.document_info(info)
        .title(TextStr(&format!("{} {}", send::title(receipt.kind), receipt.number)))
        .author(TextStr(&receipt.seller.name))
        .producer(TextStr("bikelease"))
        .creation_date(date(receipt));
    pdf.extend(&body);
    Ok(pdf.finish())
}

fn date(receipt: &Model) -> Date {
    let at = receipt.issued_at;
    // Each is within its bounds, so nothing is cut.
    Date::new(u16::try_from(at.year()).unwrap_or(0))
        .month(at.month() as u8)
        .day(at.day() as u8)
        .hour(at.hour() as u8)
        .minute(at.minute() as u8)
        .second(at.second() as u8)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn content(page: &[Item], faces: &Faces, fonts: &mut Fonts) -> Result<Vec<u8>> {
    let mut pen = Pen { content: Content::with_settings(COMPACT), faces, fonts };
    for item in page {
        match item {
            Item::Rule { x, y, to, pen: (thickness, Color(r, g, b)) } => {
                pen.content.set_stroke_rgb(*r, *g, *b).set_line_width(*thickness);
                pen.content.move_to(*x, HEIGHT - y).line_to(*to, HEIGHT - y).stroke();
            }
            Item::Text { x, y, style, text } => pen.line((*x, HEIGHT - y), *style, text)?,
        }
    }
    Ok(pen.content.finish().into_vec())
}

/// Writes on one page.
struct Pen<'a> {
    content: Content,
    faces: &'a Faces,
    fonts: &'a mut Fonts,
}

impl Pen<'_> {
    fn line(&mut self, (x, y): (f32, f32), style: Style, text: &Shaped) -> Result<()> {
        let Color(r, g, b) = style.color;
        self.content.begin_text().set_fill_rgb(r, g, b);
        self.content.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
        let mut rest = text.clusters.as_slice();
        while let Some(first) = rest.first() {
            let same = |cluster: &&Cluster| cluster.font == first.font && is_simple(cluster);
            let simple = rest.iter().take_while(same).count();
            let (some, others) = rest.split_at(simple.max(1));
            self.content.set_font(Name(resource(first.font).as_bytes()), style.size);
            match simple {
                0 => self.joined(style, first)?,
                _ => self.simple(some)?,
            }
            rest = others;
        }
        self.content.end_text();
        Ok(())
    }

    /// Clusters of one font, all simple: as few strings as kerning leaves.
    fn simple(&mut self, clusters: &[Cluster]) -> Result<()> {
        let mut shown = self.content.show_positioned();
        let mut items = shown.items();
        let mut codes = Vec::new();
        for cluster in clusters {
            let loaded = self.faces.get(cluster.font)?;
            for glyph in &cluster.glyphs {
                let code = self.fonts.code(cluster.font, glyph.id, Some(&cluster.text));
                codes.extend(code.to_be_bytes());
                let kerned = glyph.advance - loaded.advance(glyph.id);
                if kerned != 0.0 {
                    items.show(Str(&codes)).adjust(-kerned * 1_000.0);
                    codes.clear();
                }
            }
        }
        if !codes.is_empty() {
            items.show(Str(&codes));
        }
        Ok(())
    }

    /// Several glyphs that stand for some characters together, or one that is out of its place.
    fn joined(&mut self, style: Style, cluster: &Cluster) -> Result<()> {
        let loaded = self.faces.get(cluster.font)?;
        let mut marked = self.content.begin_marked_content_with_properties(Name(b"Span"));
        marked.properties().actual_text(TextStr(&cluster.text));
        drop(marked);
        for glyph in &cluster.glyphs {
            let code = self.fonts.code(cluster.font, glyph.id, None).to_be_bytes();
            self.content.set_rise(glyph.y * style.size);
            let mut shown = self.content.show_positioned();
            let kerned = glyph.advance - loaded.advance(glyph.id) - glyph.x;
            let mut items = shown.items();
            items.adjust(-glyph.x * 1_000.0).show(Str(&code)).adjust(-kerned * 1_000.0);
        }
        self.content.set_rise(0.0).end_marked_content();
        Ok(())
    }
}

/// One glyph in its place.
fn is_simple(cluster: &Cluster) -> bool {
    matches!(cluster.glyphs.as_slice(), [glyph] if glyph.x == 0.0 && glyph.y == 0.0)
}
