//! What the drawing operators of a PDF's stream do to its text: whether some of it may not be seen.
//!
//! Text is followed by where it begins, what is painted by the rectangle around it. That tells covers and clips apart from
//! all the rules and shades of a page that hide nothing.

/// From here on a colour is nearly white.
const LIGHT: f32 = 0.9;
/// What is thinner is a line.
const THIN: f32 = 2.0;
/// By how much text may begin outside of what it is clipped to.
const SLACK: f32 = 3.0;
/// The deepest nesting of states.
const MAX_SAVED: usize = 64;
/// How many texts are followed, and how often one is held against what is painted over it.
const MAX_TEXTS: usize = 50_000;
const MAX_HELD: usize = 20_000_000;
/// How many covers are followed.
const MAX_COVERS: usize = 1_000;

/// The first two rows of a matrix, as operators write it.
type Matrix = [f32; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// Left, bottom, right and top.
type Area = [f32; 4];

const EVERYWHERE: Area = [f32::MIN, f32::MIN, f32::MAX, f32::MAX];

#[derive(Clone, Copy, Debug)]
struct State {
    matrix: Matrix,
    clip: Area,
    is_light: bool,
    is_invisible: bool,
    leading: f32,
}

/// What a stream has drawn so far.
#[derive(Debug)]
struct Drawn {
    state: State,
    saved: Vec<State>,
    /// The matrices of text and of its line.
    text: Matrix,
    line: Matrix,
    /// Around the path that is being made.
    path: Option<Area>,
    clips: bool,
    /// Where texts begin.
    texts: Vec<[f32; 2]>,
    /// What a stream without text paints: it may lie over what others show.
    covers: Vec<Area>,
    held: usize,
}

impl Default for Drawn {
    fn default() -> Drawn {
        let state =
            State { matrix: IDENTITY, clip: EVERYWHERE, is_light: false, is_invisible: false, leading: 0.0 };
        Drawn {
            state,
            saved: Vec::new(),
            text: IDENTITY,
            line: IDENTITY,
            path: None,
            clips: false,
            texts: Vec::new(),
            covers: Vec::new(),
            held: 0,
        }
    }
}

/// Whether a file's streams may hide text.
#[derive(Debug, Default)]
pub(super) struct Streams {
    texts: Vec<[f32; 2]>,
    covers: Vec<Area>,
}

impl Streams {
    /// Takes the operators of a stream, and says whether they show text that is nearly white, invisible or clipped away, or
    /// paint over text.
    pub(super) fn hide_text(&mut self, content: &[u8]) -> bool {
        let mut drawn = Drawn::default();
        let mut numbers: Vec<f32> = Vec::with_capacity(8);
        for token in (Tokens { rest: content }) {
            if let Some(number) = std::str::from_utf8(token).ok().and_then(|token| token.parse::<f32>().ok())
            {
                // The last ones count: a text in an array has numbers, too.
                if numbers.len() == 8 {
                    numbers.remove(0);
                }
                numbers.push(number);
                continue;
            }
            if drawn.hides(token, &numbers) {
                return true;
            }
            numbers.clear();
        }
        if drawn.texts.is_empty() {
            self.covers.extend(drawn.covers);
        }
        self.texts.extend(drawn.texts);
        self.texts.len() > MAX_TEXTS || self.covers.len() > MAX_COVERS
    }

    /// Whether a stream without text paints where others show some.
    pub(super) fn cover_text(&self) -> bool {
        self.texts.len() * self.covers.len() > MAX_HELD
            || self.covers.iter().any(|area| self.texts.iter().any(|text| is_under(text, area)))
    }
}

impl Drawn {
    /// Takes the next operator, and says whether it may hide text.
    fn hides(&mut self, operator: &[u8], numbers: &[f32]) -> bool {
        match (operator, numbers) {
            (b"g" | b"rg", _) => self.state.is_light = is_light(numbers, false),
            (b"k", _) => self.state.is_light = is_light(numbers, true),
            (b"sc" | b"scn", _) => {
                self.state.is_light = match numbers.len() {
                    1 | 3 => is_light(numbers, false),
                    4 => is_light(numbers, true),
                    _ => false,
                };
            }
            (b"Tr", [.., mode]) => self.state.is_invisible = *mode == 3.0 || *mode == 7.0,
            (b"q", _) if self.saved.len() < MAX_SAVED => self.saved.push(self.state),
            (b"Q", _) => self.state = self.saved.pop().unwrap_or(self.state),
            (b"cm", [.., a, b, c, d, e, f]) => {
                self.state.matrix = times([*a, *b, *c, *d, *e, *f], self.state.matrix);
            }
            (b"re", [.., x, y, width, height]) => {
                [[0.0, 0.0], [*width, 0.0], [0.0, *height], [*width, *height]]
                    .iter()
                    .for_each(|[right, up]| self.add(x + right, y + up));
            }
            (b"m" | b"l", [.., x, y]) => self.add(*x, *y),
            (b"c" | b"v" | b"y", _) => {
                numbers.chunks_exact(2).for_each(|point| self.add(point[0], point[1]));
            }
            (b"W" | b"W*", _) => self.clips = true,
            (b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*", _) => return self.fill(),
            (b"S" | b"s" | b"n", _) => self.end_path(),
            (b"Do", _) => {
                // A picture fills the unit square; what else there is is not so large.
                [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]].iter().for_each(|[x, y]| self.add(*x, *y));
                return self.fill();
            }
            (b"sh", _) => return self.covers(self.state.clip),
            (b"BT", _) => (self.text, self.line) = (IDENTITY, IDENTITY),
            (b"TL", [.., leading]) => self.state.leading = *leading,
            (b"Td", [.., x, y]) => self.next_line(*x, *y),
            (b"TD", [.., x, y]) => {
                self.state.leading = -y;
                self.next_line(*x, *y);
            }
            (b"T*", _) => self.next_line(0.0, -self.state.leading),
            (b"Tm", [.., a, b, c, d, e, f]) => {
                self.line = [*a, *b, *c, *d, *e, *f];
                self.text = self.line;
            }
            (b"Tj" | b"TJ", _) => return self.show(),
            (b"'" | b"\"", _) => {
                self.next_line(0.0, -self.state.leading);
                return self.show();
            }
            _ => {}
        }
        false
    }

    fn next_line(&mut self, x: f32, y: f32) {
        self.line = times([1.0, 0.0, 0.0, 1.0, x, y], self.line);
        self.text = self.line;
    }

    fn show(&mut self) -> bool {
        let [.., x, y] = times(self.text, self.state.matrix);
        let [left, bottom, right, top] = self.state.clip;
        let is_clipped = x < left - SLACK || x > right + SLACK || y < bottom - SLACK || y > top + SLACK;
        if self.texts.len() < MAX_TEXTS {
            self.texts.push([x, y]);
        }
        self.state.is_light || self.state.is_invisible || is_clipped
    }

    fn add(&mut self, x: f32, y: f32) {
        let [.., x, y] = times([1.0, 0.0, 0.0, 1.0, x, y], self.state.matrix);
        let [left, bottom, right, top] = self.path.unwrap_or([x, y, x, y]);
        self.path = Some([left.min(x), bottom.min(y), right.max(x), top.max(y)]);
    }

    fn end_path(&mut self) {
        if let Some(area) = self.path.take()
            && self.clips
        {
            self.state.clip = within(area, self.state.clip);
        }
        self.clips = false;
    }

    fn fill(&mut self) -> bool {
        let area = self.path.map(|path| within(path, self.state.clip));
        self.end_path();
        area.is_some_and(|area| self.covers(area))
    }

    /// Whether text begins where something is painted now.
    fn covers(&mut self, area: Area) -> bool {
        if area[2] - area[0] < THIN || area[3] - area[1] < THIN {
            return false;
        }
        if self.texts.is_empty() && self.covers.len() < MAX_COVERS {
            self.covers.push(area);
        }
        self.held += self.texts.len();
        self.held > MAX_HELD || self.texts.iter().any(|text| is_under(text, &area))
    }
}

fn is_under([x, y]: &[f32; 2], [left, bottom, right, top]: &Area) -> bool {
    x >= left && x < right && y >= bottom && y < top
}

fn is_light(numbers: &[f32], is_ink: bool) -> bool {
    let light = |number: &f32| if is_ink { *number <= 1.0 - LIGHT } else { *number >= LIGHT };
    !numbers.is_empty() && (!is_ink || numbers.len() == 4) && numbers.iter().all(light)
}

/// One matrix, and then the other.
fn times([a, b, c, d, e, f]: Matrix, [g, h, i, j, k, l]: Matrix) -> Matrix {
    [a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l]
}

fn within(one: Area, other: Area) -> Area {
    [one[0].max(other[0]), one[1].max(other[1]), one[2].min(other[2]), one[3].min(other[3])]
}

/// The tokens of a content stream; strings and arrays are passed over.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let begin = self.rest.iter().position(|byte| !is_blank(*byte))?;
            self.rest = self.rest.get(begin..)?;
            match self.rest.first()? {
                b'(' => self.rest = after_string(self.rest),
                b'%' => {
                    let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..)?;
                }
                b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b')' => self.rest = self.rest.get(1..)?,
                _ => {
                    let rest = self.rest.get(1..).unwrap_or_default();
                    let end = rest.iter().position(|byte| is_blank(*byte) || b"()<>[]{}/%".contains(byte));
                    let (token, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
                    self.rest = rest;
                    return Some(token);
                }
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'\0' | 0x0c)
}

fn after_string(text: &[u8]) -> &[u8] {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    text.get(at..).unwrap_or_default()
}
