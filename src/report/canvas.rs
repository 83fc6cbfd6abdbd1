//! Text and lines drawn into pixels, text with a fixed 8 × 8 font, so that they survive every viewer. Knows no DICOM.

use font8x8::UnicodeFonts;

pub type Rgb = [u8; 3];

/// An image, rows from the top, three bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    pub rows: usize,
    pub columns: usize,
    /// rows × columns × 3.
    pub data: Vec<u8>,
}

const GLYPH: usize = 8;
const LINE_GAP: usize = 2;
/// Lines beyond this are dropped: the bars must not outgrow the image.
const MAX_LINES: usize = 6;

/// The image with a bar of text above and below it. The bars are added, so that no pixel of the image is hidden.
pub fn with_bars(image: &RgbImage, above: &str, below: &str, ink: Rgb) -> RgbImage {
    let scale = (image.columns / 384).max(1);
    let top = bar(image.columns, scale, above, ink);
    let bottom = bar(image.columns, scale, below, ink);
    RgbImage {
        rows: top.rows + image.rows + bottom.rows,
        columns: image.columns,
        data: [top.data, image.data.clone(), bottom.data].concat(),
    }
}

fn bar(columns: usize, scale: usize, text: &str, ink: Rgb) -> RgbImage {
    let line_height = (GLYPH + LINE_GAP) * scale;
    let lines = wrap(&plain(text), (columns / (GLYPH * scale)).saturating_sub(1).max(1));
    let rows = lines.len() * line_height + LINE_GAP * scale;
    let mut bar = RgbImage {
        rows,
        columns,
        data: vec![0; rows * columns * 3],
    };
    for (number, line) in lines.iter().enumerate() {
        for (place, letter) in line.chars().enumerate() {
            let at = (
                number * line_height + LINE_GAP * scale,
                (place * GLYPH + GLYPH / 2) * scale,
            );
            bar.draw(letter, at, scale, ink);
        }
    }
    bar
}

impl RgbImage {
    fn draw(&mut self, letter: char, (top, left): (usize, usize), scale: usize, ink: Rgb) {
        let glyph = font8x8::BASIC_FONTS.get(letter).unwrap_or([0; GLYPH]);
        for (r, bits) in glyph.iter().enumerate() {
            for c in (0..GLYPH).filter(|c| bits >> c & 1 == 1) {
                for y in 0..scale {
                    let row = top + r * scale + y;
                    let from = left + c * scale;
                    for column in from..(from + scale).min(self.columns) {
                        let at = (row * self.columns + column) * 3;
                        self.data[at..at + 3].copy_from_slice(&ink);
                    }
                }
            }
        }
    }
}

/// What the font can draw; signs that matter get a plain spelling.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '≥' => out.push_str(">="),
            '≤' => out.push_str("<="),
            '–' | '—' => out.push('-'),
            '\n' | '\t' => out.push(' '),
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// Whole words where they fit; a word longer than a line is broken.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(width) {
            let last = lines.len() - 1;
            let used = lines[last].len();
            if used > 0 && used + 1 + piece.len() > width {
                lines.push(piece.iter().collect());
                continue;
            }
            if used > 0 {
                lines[last].push(' ');
            }
            lines[last].extend(piece);
        }
    }
    lines.truncate(MAX_LINES);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(rows: usize, columns: usize) -> RgbImage {
        RgbImage {
            rows,
            columns,
            data: vec![90; rows * columns * 3],
        }
    }

    #[test]
    fn bars_are_added_and_the_image_stays_whole() {
        let image = grey(64, 512);
        let out = with_bars(&image, "ICH 1.0", "NOT FOR DIAGNOSTIC USE", [255, 220, 0]);
        assert!(out.rows > image.rows);
        assert_eq!(out.data.len(), out.rows * out.columns * 3);
        let top = (0..out.rows)
            .find(|r| out.data[r * 512 * 3] == 90)
            .expect("the image's first row");
        let inside = &out.data[top * 512 * 3..(top + 64) * 512 * 3];
        assert!(inside.iter().all(|v| *v == 90));
        assert!(
            out.data[..top * 512 * 3].chunks(3).any(|p| p == [255, 220, 0]),
            "text is drawn"
        );
    }

    #[test]
    fn words_wrap_and_long_words_break() {
        assert_eq!(wrap("one two three", 7), vec!["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), vec!["abcd", "efgh", "ij k"]);
        assert_eq!(plain("≥ 1 mL – ü"), ">= 1 mL - ?");
    }

    #[test]
    fn a_narrow_image_still_gets_its_bars() {
        let out = with_bars(&grey(4, 5), "text", "text", [255; 3]);
        assert_eq!(out.data.len(), out.rows * 5 * 3);
    }
}
