//! The SVG around inferno's boxes: what they say, the legend, notes, and a look for dark pages and
//! narrow ones.

use std::fmt::Write as _;
use std::io;

use super::layout::{MARK, color_of, lay_out};
use super::legend;
use super::tree::Tree;
use crate::report::escape::width;

const STYLE: &str = include_str!("style.css");

/// Pixels.
const MARGIN: usize = 10;
const LINE: usize = 15;

/// Columns of a note: what a phone has room for.
const COLUMNS: usize = 52;

/// inferno's width of what no browser shows.
const WIDTH: usize = 1200;

/// What is around the boxes.
pub(super) struct Document {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// A sentence each.
    pub(super) notes: Vec<String>,
    pub(super) is_inverted: bool,
    pub(super) is_difference: bool,
}

impl Document {
    /// The whole file.
    pub(super) fn render(&self, tree: &Tree) -> io::Result<String> {
        if tree.boxes().all(|(_, one)| one.own_width() == 0) {
            return Ok(self.without_boxes());
        }
        let color_of = color_of(self.is_difference);
        let svg = lay_out(
            tree,
            &self.title,
            &self.subtitle,
            self.is_inverted,
            color_of,
        )?;
        let svg = describe_boxes(&svg, tree, self.is_difference);
        Ok(self.frame(&svg, tree))
    }

    /// Adds style, legend and notes.
    fn frame(&self, svg: &str, tree: &Tree) -> String {
        let top = height(svg);
        let (legend, legend_height) = legend::draw(tree, self.is_difference, MARGIN, top);
        let (notes, notes_height) = self.draw_notes(top + legend_height + MARGIN);
        let bottom = top + legend_height + MARGIN + notes_height + MARGIN;
        // What names a file of the network is left out, even if no browser fetches it.
        let (start, rest) = svg.split_once("<!DOCTYPE").unwrap_or(("", svg));
        let rest = rest.split_once('>').map_or(rest, |(_, rest)| rest);
        let rest = rest
            .replacen(
                &format!("height=\"{top}\""),
                &format!("height=\"{bottom}\""),
                1,
            )
            .replacen(
                &format!("0 0 {WIDTH} {top}\""),
                &format!("0 0 {WIDTH} {bottom}\""),
                1,
            )
            .replacen("</style>", &format!("{STYLE}</style>"), 1)
            .replacen(
                &format!("height=\"{top}\""),
                &format!("height=\"{bottom}\""),
                1,
            );
        let inside = rest.trim_end().strip_suffix("</svg>").unwrap_or(&rest);
        format!("{start}{inside}{legend}{notes}</svg>\n")
    }

    /// The notes as a group, its top at `y`; and its height.
    fn draw_notes(&self, y: usize) -> (String, usize) {
        let lines: Vec<String> = self.notes.iter().flat_map(|note| fill(note)).collect();
        let mut svg = String::from("<g id=\"notes\">");
        for (index, line) in lines.iter().enumerate() {
            let y = y + index * LINE + LINE - 3;
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{y}\">{}</text>",
                escape_xml(line)
            );
        }
        svg.push_str("</g>\n");
        (svg, lines.len() * LINE)
    }

    /// Where nothing was sampled there is nothing to lay out.
    fn without_boxes(&self) -> String {
        let (notes, height) = self.draw_notes(3 * LINE);
        let bottom = 4 * LINE + height;
        let title = escape_xml(&self.title);
        format!(
            "<?xml version=\"1.0\"?>\n\
             <svg version=\"1.1\" width=\"100%\" height=\"{bottom}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <style type=\"text/css\">text {{ font-family:monospace; font-size:12px }}\n{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"url(#background)\"/>\n\
             <text id=\"title\" x=\"{MARGIN}\" y=\"{}\">{title}: nothing was sampled</text>\n\
             {notes}</svg>\n",
            2 * LINE,
        )
    }
}

/// The height that inferno gave the image.
fn height(svg: &str) -> usize {
    let start = svg.split_once("height=\"").map_or("", |(_, rest)| rest);
    let number = start.split('"').next().unwrap_or_default();
    number.parse().unwrap_or_default()
}

/// Puts into each box, in place of its number and what inferno says of it, what `tree` knows.
fn describe_boxes(svg: &str, tree: &Tree, is_difference: bool) -> String {
    let svg = describe_all(svg, &tree.describe(0, is_difference));
    let mut described = String::with_capacity(svg.len());
    let mut rest = svg.as_str();
    while let Some((before, after)) = rest.split_once(MARK) {
        described.push_str(before);
        let end = after.find('<').unwrap_or(after.len());
        let (mark, after) = after.split_at(end);
        // Texts that are cut may be cut within the number: they need none.
        if after.starts_with("</title>") {
            let digits = mark.bytes().take_while(u8::is_ascii_digit).count();
            let number = mark[..digits].parse().unwrap_or(usize::MAX);
            // Scripts take what is behind the last parenthesis for no part of the name.
            let text = tree.describe(number, is_difference).replace('(', "[");
            described.extend([" (", &escape_xml(&text), ")"]);
        }
        rest = after;
    }
    described.push_str(rest);
    described
}

/// The box around all others has no number.
fn describe_all(svg: &str, description: &str) -> String {
    const START: &str = "<title>all (";
    const END: &str = ")</title>";
    let Some((before, after)) = svg.split_once(START) else {
        return svg.to_owned();
    };
    let after = after.split_once(END).map_or(after, |(_, after)| after);
    [before, START, &escape_xml(description), END, after].concat()
}

/// A sentence in lines of at most [`COLUMNS`].
fn fill(sentence: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text` as the content of an element.
pub(super) fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
