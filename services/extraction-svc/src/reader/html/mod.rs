//! HTML, as a browser that fetches nothing and runs nothing sets it.

mod dom;
mod sheet;
mod style;

use encoding_rs::Encoding;

use super::layout::{Flow, FlowCell};
use super::{Output, ReadError};
use crate::document::{Kind, NoticeKind};
use dom::{Content, Dom, Id};
use sheet::Sheet;
use style::{Display, Style};

/// How deep elements are set as they nest. Text that is deeper is read, one element after the other.
const MAX_DEPTH: usize = 200;
/// How deep tables are set within tables.
const MAX_TABLES: usize = 12;
/// The most columns of a table; what is beyond stands in the last.
const MAX_COLUMNS: u32 = 5_000;
/// The most columns that a cell goes over, as browsers have it.
const MAX_COLUMN_SPAN: u32 = 1_000;
/// The most rows that a cell goes over.
const MAX_ROW_SPAN: u32 = 10_000;

/// Reads a page.
pub(crate) fn read(text: &str, output: &mut Output<'_>) -> Result<(), ReadError> {
    output.head(Kind::Html, 1)?;
    let flow = flow_of(text, output)?;
    if let Some(page) = flow.into_page(1, None) {
        output.page(page)?;
    }
    output.end()
}

/// How much of a page is looked through for what it says of its encoding, as browsers do.
const PRESCAN: usize = 1024;

/// The text of a page: in the encoding that it declares, when nothing better says it.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(PRESCAN)).unwrap_or_default())
        .to_ascii_lowercase();
    let declared = head.split_once("charset").and_then(|(_, value)| {
        let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':'))?;
        Encoding::for_label(value.get(..end)?.as_bytes())
    });
    super::text::decode(bytes, declared)
}

/// The lines of a page.
pub(crate) fn flow_of(text: &str, output: &mut Output<'_>) -> Result<Flow, ReadError> {
    let dom = Dom::parse(text);
    let mut sheet = Sheet::default();
    let (mut title, mut is_external) = (None, false);
    let mut open = vec![Dom::ROOT];
    while let Some(id) = open.pop() {
        match dom.name(id) {
            "style" => sheet.add(&dom.text(id)),
            "title" if title.is_none() => title = Some(dom.text(id)),
            name => is_external |= fetches(&dom, id, name),
        }
        open.extend(dom.children(id).iter().rev());
    }
    if is_external {
        output.notice(NoticeKind::ExternalReference, None, "pictures, styles, scripts or frames");
    }
    if dom.is_cut {
        output.notice(NoticeKind::Damaged, None, "the page has more elements than are read");
    }
    let mut setter =
        Setter { dom: &dom, sheet: &sheet, words_left: output.words_left(), tables: 0, is_full: false };
    let mut flow = Flow::default();
    if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
        flow.at("title");
        flow.text(&title, false);
        flow.block();
    }
    flow.at("body");
    setter.children(Dom::ROOT, Style::PAGE, &mut flow, 0);
    match setter.is_full {
        true => Err(output.too_many_words()),
        false => Ok(flow),
    }
}

/// Whether a browser would fetch something for the element.
fn fetches(dom: &Dom, id: Id, name: &str) -> bool {
    let attribute = match name {
        "img" | "script" | "iframe" | "frame" | "embed" | "video" | "audio" | "source" | "input" => "src",
        "link" => "href",
        "object" => "data",
        "body" | "table" | "td" => "background",
        _ => return false,
    };
    let value = dom.attribute(id, attribute).unwrap_or_default().trim_start();
    !value.is_empty() && !value.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

struct Setter<'a> {
    dom: &'a Dom,
    sheet: &'a Sheet,
    words_left: usize,
    tables: usize,
    /// There are more words than are read.
    is_full: bool,
}

impl Setter<'_> {
    fn children(&mut self, id: Id, style: Style, flow: &mut Flow, depth: usize) {
        if style.display == Some(Display::Row) && self.tables < MAX_TABLES {
            return self.beside(id, style, flow, depth);
        }
        for child in self.dom.children(id) {
            self.node(*child, style, flow, depth + 1);
            if flow.words() > self.words_left {
                self.is_full = true;
                return;
            }
        }
    }

    /// Children beside each other, however they are set within.
    fn beside(&mut self, id: Id, style: Style, flow: &mut Flow, depth: usize) {
        self.tables += 1;
        let mut parts = Vec::new();
        let mut words = 0;
        for child in self.dom.children(id) {
            let mut part = Flow::default();
            part.at("body");
            self.node(*child, style.placed(), &mut part, depth + 1);
            words += part.words();
            if self.is_full || words > self.words_left {
                self.is_full = true;
                return;
            }
            parts.push(part);
        }
        flow.beside(parts);
        self.tables -= 1;
    }

    fn node(&mut self, id: Id, outer: Style, flow: &mut Flow, depth: usize) {
        match self.dom.node(id).map(|node| &node.content) {
            Some(Content::Text(text)) => flow.text(text, outer.is_hidden()),
            Some(Content::Element { .. }) if depth > MAX_DEPTH => {
                flow.text(" ", false);
                self.flat(id, outer, flow);
            }
            Some(Content::Element { .. }) => {
                let style = self.sheet.of(self.dom, id, outer);
                self.element(id, style, flow, depth);
            }
            _ => {}
        }
    }

    /// What is too deep: its text in order. An element that hides its text hides it here too.
    fn flat(&mut self, id: Id, outer: Style, flow: &mut Flow) {
        let mut open = vec![(id, outer)];
        while let Some((id, outer)) = open.pop() {
            let style = match self.dom.node(id).map(|node| &node.content) {
                Some(Content::Text(text)) => {
                    flow.text(text, outer.is_hidden());
                    continue;
                }
                _ if is_skipped(self.dom.name(id)) => continue,
                _ => self.sheet.of(self.dom, id, outer),
            };
            flow.text(" ", false);
            open.extend(self.dom.children(id).iter().rev().map(|child| (*child, style)));
            if flow.words() > self.words_left {
                self.is_full = true;
                return;
            }
        }
    }

    fn element(&mut self, id: Id, style: Style, flow: &mut Flow, depth: usize) {
        let name = self.dom.name(id);
        if is_skipped(name) {
            return;
        }
        match name {
            "br" => flow.end_line(),
            "hr" => flow.block(),
            "table" if self.tables < MAX_TABLES => self.table(id, style, flow, depth),
            "input" => self.input(id, style, flow),
            "select" => self.select(id, style, flow),
            "pre" | "textarea" => self.preformatted(id, style, flow),
            _ => {
                let display = style.display.unwrap_or_else(|| natural(name));
                match display {
                    Display::Block | Display::Row => flow.block(),
                    Display::Beside => flow.gap(None),
                    Display::Inline | Display::None => {}
                }
                self.children(id, style, flow, depth);
                match display {
                    Display::Block | Display::Row => flow.block(),
                    Display::Beside => flow.gap(None),
                    Display::Inline | Display::None => {}
                }
            }
        }
    }

    /// What a field of a form shows.
    fn input(&mut self, id: Id, style: Style, flow: &mut Flow) {
        let kind = self.dom.attribute(id, "type").unwrap_or("text").to_ascii_lowercase();
        let value = self.dom.attribute(id, "value").unwrap_or_default();
        if !matches!(kind.as_str(), "hidden" | "password" | "checkbox" | "radio" | "image" | "file") {
            flow.gap(None);
            flow.text(value, style.is_hidden());
            flow.gap(None);
        }
    }

    /// What a list shows that is closed: the option that is selected, or the first.
    fn select(&mut self, id: Id, style: Style, flow: &mut Flow) {
        let (mut open, mut shown) = (vec![id], None);
        while let Some(id) = open.pop() {
            if self.dom.name(id) == "option" {
                let selected = self.dom.attribute(id, "selected").is_some();
                if selected || shown.is_none() {
                    shown = Some(id);
                }
                if selected {
                    break;
                }
            }
            open.extend(self.dom.children(id).iter().rev());
        }
        if let Some(shown) = shown {
            flow.gap(None);
            flow.text(&self.dom.text(shown), style.is_hidden());
            flow.gap(None);
        }
    }

    fn preformatted(&mut self, id: Id, style: Style, flow: &mut Flow) {
        flow.block();
        let text = self.dom.text(id);
        match style.is_hidden() {
            // Where it would stand does not matter.
            true => flow.text(&text, true),
            false => super::text::lines(&text, &mut 0, flow),
        }
        flow.block();
        flow.at("body");
    }

    fn table(&mut self, id: Id, style: Style, flow: &mut Flow, depth: usize) {
        self.tables += 1;
        let rows = self.rows(id);
        let mut cells: Vec<FlowCell> = Vec::new();
        // How many more rows a cell from above takes of each column.
        let mut taken: Vec<u32> = Vec::new();
        let path = "body/table";
        for child in self.dom.children(id).iter().filter(|child| self.dom.name(**child) == "caption") {
            flow.block();
            self.children(*child, style, flow, depth + 1);
        }
        for (row, (tr, outer)) in (0_u32..).zip(rows) {
            let row_style = self.sheet.of(self.dom, tr, outer.unwrap_or(style));
            let mut column = 0_u32;
            let before: Vec<bool> = taken.iter().map(|rows| *rows > 0).collect();
            taken.iter_mut().for_each(|rows| *rows = rows.saturating_sub(1));
            for child in self.dom.children(tr) {
                let name = self.dom.name(*child);
                if !matches!(name, "td" | "th") {
                    continue;
                }
                while before.get(column as usize).copied().unwrap_or(false) {
                    column += 1;
                }
                let span = |attribute: &str, most: u32| {
                    let value =
                        self.dom.attribute(*child, attribute).and_then(|value| value.trim().parse().ok());
                    value.unwrap_or(1_u32).clamp(1, most)
                };
                let (row_span, column_span) =
                    (span("rowspan", MAX_ROW_SPAN), span("colspan", MAX_COLUMN_SPAN));
                column = column.min(MAX_COLUMNS - 1);
                let end = column.saturating_add(column_span).min(MAX_COLUMNS);
                if taken.len() < end as usize {
                    taken.resize(end as usize, 0);
                }
                for rows in taken.iter_mut().take(end as usize).skip(column as usize) {
                    *rows = (*rows).max(row_span - 1);
                }
                let cell_style = self.sheet.of(self.dom, *child, row_style);
                let path = format!("{path}/row[{}]/cell[{}]", row + 1, column + 1);
                let mut inner = Flow::default();
                inner.at(&path);
                self.children(*child, cell_style.placed(), &mut inner, depth + 1);
                inner.end_line();
                self.words_left = self.words_left.saturating_sub(inner.words());
                if self.is_full {
                    return;
                }
                let header = name == "th";
                cells.push(FlowCell { row, column, row_span, column_span, header, path, flow: inner });
                column = end;
            }
        }
        // They are counted when the table is part of the flow.
        self.words_left += cells.iter().map(|cell| cell.flow.words()).sum::<usize>();
        flow.table(Some(path), cells);
        flow.at("body");
        self.tables -= 1;
    }

    /// The rows of a table, and what styles those of a section have. Nothing else stands there but a
    /// caption: the parser has put text before the table.
    fn rows(&self, table: Id) -> Vec<(Id, Option<Style>)> {
        let mut rows = Vec::new();
        for child in self.dom.children(table) {
            match self.dom.name(*child) {
                "tr" => rows.push((*child, None)),
                "thead" | "tbody" | "tfoot" => {
                    let style = self.sheet.of(self.dom, *child, Style::PAGE);
                    let style = style.is_hidden().then_some(style);
                    let inner = self.dom.children(*child).iter().filter(|row| self.dom.name(**row) == "tr");
                    rows.extend(inner.map(|row| (*row, style)));
                }
                _ => {}
            }
        }
        rows
    }
}

fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "head"
            | "script"
            | "style"
            | "template"
            | "iframe"
            | "frame"
            | "object"
            | "embed"
            | "svg"
            | "math"
            | "canvas"
            | "audio"
            | "video"
            | "datalist"
            | "title"
            | "meta"
            | "link"
    )
}

/// How an element is set when no style says it.
fn natural(name: &str) -> Display {
    match name {
        "html" | "body" | "address" | "article" | "aside" | "blockquote" | "caption" | "center" | "dd"
        | "details" | "dialog" | "dir" | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure"
        | "footer" | "form" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "header" | "hgroup" | "legend"
        | "li" | "main" | "menu" | "nav" | "ol" | "optgroup" | "option" | "p" | "search" | "section"
        | "summary" | "table" | "tbody" | "tfoot" | "thead" | "tr" | "ul" => Display::Block,
        "td" | "th" | "button" => Display::Beside,
        _ => Display::Inline,
    }
}
