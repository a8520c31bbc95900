//! Text as glyphs: right-to-left where it is, joined and stacked as its script asks for.

use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use super::font::{Faces, FontId, Weight};

/// One or more glyphs that stand for some characters together.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub font: FontId,
    pub text: String,
    /// Where its characters begin.
    start: usize,
    pub glyphs: Vec<Glyph>,
}

/// In parts of the font's size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub id: u16,
    pub advance: f32,
    pub x: f32,
    pub y: f32,
}

/// One line, in the order in which it is seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Shaped {
    pub clusters: Vec<Cluster>,
    /// As a part of the font's size.
    pub width: f32,
}

pub(super) fn shape(faces: &Faces, text: &str, weight: Weight) -> Shaped {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let bidi = BidiInfo::new(&text, None);
    let mut clusters = Vec::new();
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let rtl = levels.get(run.start).is_some_and(|level| level.is_rtl());
            let mut segments = segments(faces, text.get(run.clone()).unwrap_or(""), weight);
            if rtl {
                segments.reverse();
            }
            for (font, at, segment) in segments {
                clusters.extend(of_segment(faces, font, segment, run.start + at, rtl));
            }
        }
    }
    let glyphs = clusters.iter().flat_map(|cluster: &Cluster| &cluster.glyphs);
    Shaped { width: glyphs.map(|glyph| glyph.advance).sum(), clusters }
}

/// Each with its font and where it begins.
fn segments<'a>(faces: &Faces, text: &'a str, weight: Weight) -> Vec<(FontId, usize, &'a str)> {
    let mut segments: Vec<(FontId, usize, usize)> = Vec::new();
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let before = segments.last().map(|(font, ..)| *font);
        let font = faces.fitting(weight, character, before);
        match segments.last_mut() {
            Some(last) if last.0 == font => last.2 = end,
            _ => segments.push((font, at, end)),
        }
    }
    let cut = |(font, start, end)| Some((font, start, text.get(start..end)?));
    segments.into_iter().filter_map(cut).collect()
}

fn of_segment(faces: &Faces, font: FontId, text: &str, at: usize, rtl: bool) -> Vec<Cluster> {
    let Ok(loaded) = faces.get(font) else { return Vec::new() };
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
    buffer.guess_segment_properties();
    let shaped = rustybuzz::shape(&loaded.face, &[], buffer);
    let mut starts: Vec<usize> =
        shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    let size = loaded.face.units_per_em() as f32;
    let mut clusters: Vec<Cluster> = Vec::new();
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let glyph = Glyph {
            id: u16::try_from(info.glyph_id).unwrap_or(0),
            advance: position.x_advance as f32 / size,
            x: position.x_offset as f32 / size,
            y: position.y_offset as f32 / size,
        };
        let begin = info.cluster as usize;
        match clusters.last_mut() {
            Some(last) if last.start == at + begin => last.glyphs.push(glyph),
            _ => {
                let end = starts.iter().copied().find(|start| *start > begin);
                let text = text.get(begin..end.unwrap_or(text.len())).unwrap_or("").to_owned();
                clusters.push(Cluster { font, text, start: at + begin, glyphs: vec![glyph] });
            }
        }
    }
    clusters
}

/// Lines that are no wider than this; broken between words, within one only where it does not fit at all.
pub(super) fn wrap(faces: &Faces, text: &str, weight: Weight, width: f32) -> Vec<Shaped> {
    let fits = |line: &str| shape(faces, line, weight).width <= width;
    let mut lines: Vec<String> = vec![String::new()];
    // Not at narrow spaces, which hold together what they stand between.
    let words = text.split(|c: char| c == ' ' || c.is_control()).filter(|word| !word.is_empty());
    let words = words.flat_map(|word| pieces(faces, word, weight, width));
    for (word, begins) in words {
        let Some(line) = lines.last_mut() else { break };
        let longer = match line.is_empty() || !begins {
            true => format!("{line}{word}"),
            false => format!("{line} {word}"),
        };
        if line.is_empty() || (begins && fits(&longer)) {
            *line = longer;
        } else {
            lines.push(word);
        }
    }
    lines.iter().map(|line| shape(faces, line, weight)).collect()
}

/// A word, cut where it is wider than a line; each with whether it is the beginning.
fn pieces(faces: &Faces, word: &str, weight: Weight, width: f32) -> Vec<(String, bool)> {
    let mut clusters = shape(faces, word, weight).clusters;
    clusters.sort_by_key(|cluster| cluster.start);
    let mut pieces = vec![(String::new(), true)];
    let mut so_far = 0.0;
    for cluster in clusters {
        let wide: f32 = cluster.glyphs.iter().map(|glyph| glyph.advance).sum();
        if so_far + wide > width && so_far > 0.0 {
            pieces.push((String::new(), false));
            so_far = 0.0;
        }
        so_far += wide;
        if let Some((piece, _)) = pieces.last_mut() {
            piece.push_str(&cluster.text);
        }
    }
    pieces
}
