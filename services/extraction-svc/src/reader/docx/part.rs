//! One part of a document: WordprocessingML to lines.

use quick_xml::events::{BytesStart, Event};

use super::super::layout::{Flow, FlowCell};
use super::super::{ReadError, xml};
use super::styles::Styles;

/// How deep tables are set within tables; deeper ones are read as paragraphs.
const MAX_TABLES: usize = 12;
/// The most columns of a table.
const MAX_COLUMNS: u32 = 1_000;
/// A font of this size or less is not seen, in half points.
const UNSEEN_HALF_POINTS: u32 = 3;

/// What is being read.
#[derive(Debug)]
enum Open {
    /// Paragraphs: the part's own, a cell's, or those of a text box.
    Lines { flow: Flow, path: String, paragraphs: u32, tables: u32, box_of_text: bool },
    Table {
        cells: Vec<FlowCell>,
        path: String,
        row: u32,
        column: u32,
        width: u32,
        header: bool,
        continued: bool,
    },
}

/// Reads a part.
#[derive(Debug)]
pub(super) struct Part<'s> {
    styles: &'s Styles,
    /// Pages that are done.
    pages: Vec<Flow>,
    open: Vec<Open>,
    words_left: usize,
    words: usize,
    run: Run,
    /// The style of the paragraph hides its text.
    vanished: bool,
    /// How deep in what is not shown: deleted text, instructions of fields, what stands in place of a drawing.
    skipped: u32,
    in_text: bool,
    /// How many tables are open.
    tables: usize,
    /// What the run stands on is not white.
    cell_shaded: bool,
}

/// How the text of a run looks.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    vanished: bool,
    white: bool,
    shaded: bool,
    tiny: bool,
    inside: bool,
}

impl<'s> Part<'s> {
    pub(super) fn new(path: &str, styles: &'s Styles, words_left: usize) -> Part<'s> {
        Part {
            styles,
            pages: Vec::new(),
            open: vec![Open::lines(path.to_owned(), false)],
            words_left,
            words: 0,
            run: Run::default(),
            vanished: false,
            skipped: 0,
            in_text: false,
            tables: 0,
            cell_shaded: false,
        }
    }

    /// Reads the part. What was read before an error stays.
    pub(super) fn read(&mut self, source: &str) -> Result<(), ReadError> {
        let mut reader = xml::reader(source);
        let mut elements = 0_usize;
        loop {
            let event = reader
                .read_event()
                .map_err(|_| ReadError::unreadable("the XML of the document is broken"))?;
            match event {
                Event::Start(element) => {
                    elements += 1;
                    self.begin(&element);
                }
                Event::Empty(element) => {
                    self.begin(&element);
                    self.end(element.local_name().as_ref());
                }
                Event::End(element) => {
                    elements = elements.saturating_sub(1);
                    self.end(element.local_name().as_ref());
                }
                Event::Text(text) if self.is_shown() => self.text(&text.xml10_content()),
                Event::CData(text) if self.is_shown() => self.text(&text.xml10_content()),
                Event::GeneralRef(reference) if self.is_shown() => {
                    if let Some(c) = xml::resolve(&reference) {
                        self.text(c.encode_utf8(&mut [0; 4]));
                    }
                }
                Event::Eof if elements > 0 => {
                    return Err(ReadError::unreadable("the XML of the document ends in the middle"));
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
            if self.words > self.words_left {
                return Err(ReadError::too_large("the document has more words than are read"));
            }
        }
    }

    /// The pages.
    pub(super) fn finish(mut self) -> Vec<Flow> {
        // What a damaged part left open ends here.
        while self.open.len() > 1 {
            self.close();
        }
        if let Some(Open::Lines { mut flow, .. }) = self.open.pop() {
            flow.end_line();
            if !flow.is_empty() || self.pages.is_empty() {
                self.pages.push(flow);
            }
        }
        self.pages
    }

    fn is_shown(&self) -> bool {
        self.in_text && self.skipped == 0
    }

    fn flow(&mut self) -> Option<&mut Flow> {
        self.open.iter_mut().rev().find_map(|open| match open {
            Open::Lines { flow, .. } => Some(flow),
            Open::Table { .. } => None,
        })
    }

    fn text(&mut self, text: &str) {
        let run = self.run;
        let hidden = run.vanished || run.tiny || (run.white && !run.shaded && !self.cell_shaded);
        let Some(flow) = self.flow() else { return };
        let before = flow.words();
        flow.text(text, hidden);
        self.words += flow.words() - before;
    }

    fn begin(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let name = name.as_ref();
        if is_skipped(name) || self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        match name {
            "p" => self.paragraph(),
            "r" => self.run = Run { inside: true, vanished: self.vanished, ..Run::default() },
            "pStyle" => self.vanished = self.is_hiding(element),
            "rStyle" if self.run.inside => self.run.vanished |= self.is_hiding(element),
            "t" => self.in_text = true,
            "tab" | "ptab" if self.run.inside => self.with_flow(|flow| flow.gap(None)),
            "br" if xml::attribute(element, "type").is_some_and(|kind| kind == "page") => self.page_break(),
            "br" | "cr" => self.with_flow(Flow::end_line),
            "lastRenderedPageBreak" => self.page_break(),
            "noBreakHyphen" => self.text("-"),
            "tbl" => self.table(),
            "tr" => self.row(),
            "tblHeader" => self.header(),
            "tc" => self.cell(),
            "gridSpan" => self.span(element),
            "vMerge" => self.merge(element),
            "txbxContent" => {
                let path = self.path("textbox");
                self.open.push(Open::lines(path, true));
            }
            "vanish" if self.run.inside => self.run.vanished = is_on(element),
            "color" if self.run.inside => {
                self.run.white = value(element).is_some_and(|color| color.eq_ignore_ascii_case("ffffff"));
            }
            "sz" if self.run.inside => {
                self.run.tiny = value(element).and_then(|size| size.parse().ok()).is_some_and(is_tiny);
            }
            "highlight" if self.run.inside => self.run.shaded = true,
            "shd" => {
                let fill = xml::attribute(element, "fill").unwrap_or_default().to_ascii_lowercase();
                let shaded = !matches!(fill.as_str(), "" | "auto" | "ffffff");
                match self.run.inside {
                    true => self.run.shaded |= shaded,
                    false => self.cell_shaded |= shaded,
                }
            }
            _ => {}
        }
    }

    fn is_hiding(&self, element: &BytesStart<'_>) -> bool {
        value(element).is_some_and(|style| self.styles.hides(&style))
    }

    fn end(&mut self, name: &str) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match name {
            "t" => self.in_text = false,
            "r" => self.run = Run::default(),
            "p" => {
                self.with_flow(Flow::block);
                if self.tables == 0 {
                    self.cell_shaded = false;
                }
            }
            "tc" if matches!(self.open.last(), Some(Open::Lines { box_of_text: false, .. }))
                && self.open.len() > 1 =>
            {
                self.close();
                self.cell_shaded = false;
            }
            "txbxContent" if matches!(self.open.last(), Some(Open::Lines { box_of_text: true, .. })) => {
                self.close()
            }
            "tbl" if matches!(self.open.last(), Some(Open::Table { .. })) => self.close(),
            _ => {}
        }
    }

    fn with_flow(&mut self, change: impl FnOnce(&mut Flow)) {
        if let Some(flow) = self.flow() {
            change(flow);
        }
    }

    fn paragraph(&mut self) {
        (self.run, self.vanished) = (Run::default(), false);
        self.in_text = false;
        if let Some(Open::Lines { flow, path, paragraphs, .. }) = self.open.last_mut() {
            *paragraphs += 1;
            flow.block();
            flow.at(&format!("{path}/p[{paragraphs}]"));
        }
    }

    /// The path of something in what is open, e.g. a table.
    fn path(&mut self, of: &str) -> String {
        match self.open.last_mut() {
            Some(Open::Lines { path, tables, .. }) => {
                *tables += 1;
                format!("{path}/{of}[{tables}]")
            }
            _ => of.to_owned(),
        }
    }

    fn page_break(&mut self) {
        // One within a table or a text box would part what belongs together.
        if let [Open::Lines { flow, .. }] = self.open.as_mut_slice() {
            flow.end_line();
            if !flow.is_empty() {
                self.pages.push(std::mem::take(flow));
            }
        }
    }

    fn table(&mut self) {
        self.tables += 1;
        if self.tables <= MAX_TABLES && matches!(self.open.last(), Some(Open::Lines { .. })) {
            let path = self.path("table");
            self.open.push(Open::Table {
                cells: Vec::new(),
                path,
                row: 0,
                column: 0,
                width: 1,
                header: false,
                continued: false,
            });
        } else {
            self.tables -= 1;
        }
    }

    fn row(&mut self) {
        if let Some(Open::Table { row, column, header, .. }) = self.open.last_mut() {
            (*row, *column, *header) = (*row + 1, 0, false);
        }
    }

    fn header(&mut self) {
        if let Some(Open::Table { header, .. }) = self.open.last_mut() {
            *header = true;
        }
    }

    fn cell(&mut self) {
        self.cell_shaded = false;
        if let Some(Open::Table { path, row, column, width, continued, .. }) = self.open.last_mut() {
            (*width, *continued) = (1, false);
            let path = format!("{path}/row[{row}]/cell[{}]", *column + 1);
            self.open.push(Open::lines(path, false));
        }
    }

    /// The table whose cell is open.
    fn around(&mut self) -> Option<&mut Open> {
        let at = self.open.len().checked_sub(2)?;
        self.open.get_mut(at)
    }

    fn span(&mut self, element: &BytesStart<'_>) {
        let span =
            value(element).and_then(|span| span.parse::<u32>().ok()).unwrap_or(1).clamp(1, MAX_COLUMNS);
        if let Some(Open::Table { width, .. }) = self.around() {
            *width = span;
        }
    }

    fn merge(&mut self, element: &BytesStart<'_>) {
        let is_continued = value(element).is_none_or(|value| value != "restart");
        if let Some(Open::Table { continued, .. }) = self.around() {
            *continued = is_continued;
        }
    }

    /// Ends what is open and puts it into what is around it.
    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Lines { flow, box_of_text: true, .. }) => self.with_flow(|outer| outer.append(flow)),
            Some(Open::Lines { flow, path, .. }) => {
                let Some(Open::Table { cells, row, column, width, header, continued, .. }) =
                    self.open.last_mut()
                else {
                    return self.with_flow(|outer| outer.append(flow));
                };
                let at = row.saturating_sub(1);
                if *continued && flow.is_empty() {
                    // It belongs to the cell above, which becomes higher.
                    let above = cells.iter_mut().rev().find(|cell| {
                        cell.column == *column
                            && cell.row < at
                            && cell.row.saturating_add(cell.row_span) == at
                    });
                    if let Some(above) = above {
                        above.row_span += 1;
                    }
                } else if *column < MAX_COLUMNS {
                    cells.push(FlowCell {
                        row: at,
                        column: *column,
                        row_span: 1,
                        column_span: *width,
                        header: *header,
                        path,
                        flow,
                    });
                }
                *column = column.saturating_add(*width);
            }
            Some(Open::Table { cells, path, .. }) => {
                self.tables -= 1;
                self.with_flow(|outer| outer.table(Some(&path), cells));
            }
            None => {}
        }
    }
}

impl Open {
    fn lines(path: String, box_of_text: bool) -> Open {
        Open::Lines { flow: Flow::default(), path, paragraphs: 0, tables: 0, box_of_text }
    }
}

/// What is in the file, but not in the document: deleted and moved text, instructions of fields, and what programs show
/// that do not know a drawing.
fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "del" | "moveFrom" | "delText" | "instrText" | "Fallback" | "delInstrText" | "sectPrChange"
    )
}

fn is_tiny(half_points: u32) -> bool {
    half_points <= UNSEEN_HALF_POINTS
}

fn value(element: &BytesStart<'_>) -> Option<String> {
    xml::attribute(element, "val")
}

pub(super) fn is_on(element: &BytesStart<'_>) -> bool {
    value(element).is_none_or(|value| !matches!(value.as_str(), "0" | "false" | "off"))
}
