//! Sheets of paper on which text and rules are put. Points from the top left; text stands on its line.

use super::{
    font::{Faces, Weight},
    shape::{self, Shaped},
};

pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 56.0;
pub(super) const RIGHT: f32 = WIDTH - LEFT;
const TOP: f32 = 66.0;
/// What lies below belongs to the foot.
const END: f32 = HEIGHT - 84.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Color(pub f32, pub f32, pub f32);

pub(super) const INK: Color = Color(0.11, 0.13, 0.16);
pub(super) const GREY: Color = Color(0.42, 0.45, 0.50);
pub(super) const HAIR: Color = Color(0.82, 0.84, 0.87);
pub(super) const GREEN: Color = Color(0.04, 0.42, 0.29);
pub(super) const RED: Color = Color(0.70, 0.11, 0.11);

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub size: f32,
    pub weight: Weight,
    pub color: Color,
}

pub(super) const fn style(size: f32, weight: Weight, color: Color) -> Style {
    Style { size, weight, color }
}

impl Style {
    /// From one line to the next.
    pub fn leading(self) -> f32 {
        self.size * 1.36
    }
}

pub(super) enum Item {
    Text { x: f32, y: f32, style: Style, text: Shaped },
    Rule { x: f32, y: f32, to: f32, pen: (f32, Color) },
}

pub(super) struct Sheets<'a> {
    faces: &'a Faces,
    pages: Vec<Vec<Item>>,
    /// How far down the last page is written on.
    pub y: f32,
}

impl<'a> Sheets<'a> {
    pub fn new(faces: &'a Faces) -> Self {
        Self { faces, pages: vec![Vec::new()], y: TOP }
    }

    pub fn into_pages(self) -> Vec<Vec<Item>> {
        self.pages
    }

    pub fn count(&self) -> usize {
        self.pages.len()
    }

    /// True when this begins a new page, because so much does not fit any more.
    pub fn need(&mut self, height: f32) -> bool {
        let full = self.y + height > END;
        if full {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        full
    }

    fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    pub fn left(&mut self, x: f32, y: f32, style: Style, text: &str) {
        let text = shape::shape(self.faces, text, style.weight);
        self.put(Item::Text { x, y, style, text });
    }

    /// Ends at `x`.
    pub fn right(&mut self, x: f32, y: f32, style: Style, text: &str) {
        let text = shape::shape(self.faces, text, style.weight);
        self.put(Item::Text { x: x - text.width * style.size, y, style, text });
    }

    pub fn wrapped(&self, text: &str, style: Style, width: f32) -> Vec<Shaped> {
        shape::wrap(self.faces, text, style.weight, width / style.size)
    }

    /// Lines below each other from `y`; gives where the next one would stand.
    pub fn lines(&mut self, x: f32, y: f32, style: Style, lines: Vec<Shaped>) -> f32 {
        let mut y = y;
        for text in lines {
            self.put(Item::Text { x, y, style, text });
            y += style.leading();
        }
        y
    }

    /// From one side to the other, so thick and in that colour.
    pub fn rule(&mut self, x: f32, to: f32, y: f32, pen: (f32, Color)) {
        self.put(Item::Rule { x, y, to, pen });
    }

    /// On every page: something about it and how many there are.
    pub fn on_each(&mut self, draw: impl Fn(&mut Self, usize)) {
        let pages = std::mem::take(&mut self.pages);
        for (number, page) in pages.into_iter().enumerate() {
            self.pages.push(page);
            draw(self, number + 1);
        }
    }
}
