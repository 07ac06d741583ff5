//! PP-OCRv6, by ONNX Runtime: one model finds lines, the other reads them.

use std::cell::RefCell;
use std::path::Path;

use image::RgbImage;
use ort::session::Session;
use ort::value::TensorRef;

use super::super::rows::RawWord;
use super::super::{Budget, ReadError};
use super::detect::{self, Slanted};
use super::recognise::{self, HEIGHT, Strip};
use super::turn::Turn;

/// As pages name what read them.
pub(super) const NAME: &str = "pp-ocrv6-small";
/// The files in the OCR's folder.
const RUNTIME: &str = "libonnxruntime.so";
const FIND: &str = "PP-OCRv6_det_small.onnx";
const READ: &str = "PP-OCRv6_rec_small.onnx";
/// All that it needs.
pub(super) const FILES: [&str; 3] = [RUNTIME, FIND, READ];
/// How many lines are read at once.
const BATCH: usize = 4;
/// By so many lines it is told whether a picture stands on its head.
const TRIED: usize = 8;
/// A mean likelihood of characters from which a picture stands upright without doubt.
const UPRIGHT: f32 = 0.85;

/// The models.
pub(super) struct Paddle {
    find: RefCell<Session>,
    read: RefCell<Session>,
    characters: Vec<String>,
}

impl Paddle {
    /// Loads them. `None` when one of them is not there or cannot be used.
    pub(super) fn load(folder: &Path) -> Option<Paddle> {
        let environment = ort::init_from(folder.join(RUNTIME)).ok()?.with_telemetry(false).build().ok()?;
        let session = |name: &str| {
            let builder = Session::builder(&environment).ok()?.with_intra_threads(1).ok()?;
            // Each line has a size of its own: what is kept for one is of no use for the next.
            let mut builder = builder.with_memory_pattern(false).ok()?;
            builder.commit_from_file(folder.join(name)).ok()
        };
        let (find, read) = (session(FIND)?, session(READ)?);
        let characters = read.metadata().ok()?.custom("character")?;
        let characters: Vec<String> = characters.lines().map(str::to_owned).collect();
        Some(Paddle { find: RefCell::new(find), read: RefCell::new(read), characters })
    }

    /// The words of a picture, each line of them a block, and by how many degrees it has to be turned clockwise for them to
    /// be level.
    pub(super) fn read(&self, picture: &RgbImage, budget: &Budget) -> Result<(Vec<RawWord>, f32), ReadError> {
        let boxes = self.find(picture, budget)?;
        let down = boxes.iter().filter(|found| found.half[1] > found.half[0] * 1.5).count();
        // Most lines run up or down: it lies on a side. Which, its lines tell.
        let turns: &[Turn] = match down * 2 > boxes.len() {
            true => &[Turn::Quarter, Turn::ThreeQuarters],
            false => &[Turn::None, Turn::Half],
        };
        let [likely, other] = turns else { return Ok((Vec::new(), 0.0)) };
        let mut best = self.turned(picture, *likely, &boxes, budget)?;
        let mut words = self.lines(&best.picture, &best.boxes, budget)?;
        let sure = sure(&words, best.boxes.len());
        if sure < UPRIGHT {
            let tried = self.turned(picture, *other, &boxes, budget)?;
            if self.sample(&tried, budget)? > sure {
                words = self.lines(&tried.picture, &tried.boxes, budget)?;
                best = tried;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
        let size = (picture.width() as f32, picture.height() as f32);
        for word in &mut words {
            word.place = best.turn.undo(word.place, size);
        }
        Ok((words, best.turn.degrees() - slant(&best.boxes)))
    }

    /// The picture turned, and its lines found again.
    fn turned(
        &self,
        picture: &RgbImage,
        turn: Turn,
        boxes: &[Slanted],
        budget: &Budget,
    ) -> Result<Turned, ReadError> {
        let picture = turn.apply(picture);
        let boxes = match turn {
            Turn::None => boxes.to_vec(),
            _ => self.find(&picture, budget)?,
        };
        Ok(Turned { turn, picture, boxes })
    }

    /// How sure the longest lines read.
    fn sample(&self, turned: &Turned, budget: &Budget) -> Result<f32, ReadError> {
        let mut longest = turned.boxes.clone();
        longest.sort_by(|one, other| other.half[0].total_cmp(&one.half[0]));
        longest.truncate(TRIED);
        Ok(sure(&self.lines(&turned.picture, &longest, budget)?, longest.len()))
    }

    fn find(&self, picture: &RgbImage, budget: &Budget) -> Result<Vec<Slanted>, ReadError> {
        budget.check()?;
        let (width, height) = detect::size(picture.width(), picture.height());
        let input = detect::input(picture, (width, height));
        let shape = [1, 3, i64::from(height), i64::from(width)];
        let tensor = TensorRef::from_array_view((shape, input.as_slice())).map_err(|error| failed(&error))?;
        let mut session = self.find.borrow_mut();
        let outputs = session.run(ort::inputs![tensor]).map_err(|error| failed(&error))?;
        let map = outputs.values().next().ok_or_else(|| failed(&"it says nothing"))?;
        let (shape, map) = map.try_extract_tensor::<f32>().map_err(|error| failed(&error))?;
        let columns = shape.last().and_then(|columns| usize::try_from(*columns).ok()).unwrap_or(0);
        Ok(detect::boxes(map, columns, (picture.width(), picture.height())))
    }

    fn lines(
        &self,
        picture: &RgbImage,
        boxes: &[Slanted],
        budget: &Budget,
    ) -> Result<Vec<RawWord>, ReadError> {
        let mut order: Vec<usize> = (0..boxes.len()).collect();
        let ratio = |at: &usize| boxes.get(*at).map_or(0.0, |place| place.half[0] / place.half[1].max(0.5));
        order.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
        let mut lines: Vec<Vec<RawWord>> = vec![Vec::new(); boxes.len()];
        let mut next = order.into_iter().filter_map(|at| Some((at, *boxes.get(at)?))).peekable();
        while let Some((at, place)) = next.next() {
            let mut batch = vec![(at, recognise::strip(picture, place))];
            while batch.len() < BATCH
                && let Some((at, place)) = next.peek()
            {
                let strip = recognise::strip(picture, *place);
                if batch.first().is_some_and(|(_, first)| first.padded != strip.padded) {
                    break;
                }
                batch.push((*at, strip));
                next.next();
            }
            for (at, words) in self.read_batch(&batch, budget)? {
                if let Some(line) = lines.get_mut(at) {
                    *line = words;
                }
            }
        }
        let mut words = Vec::new();
        for (block, line) in (0_u32..).zip(lines) {
            words.extend(line.into_iter().map(|word| RawWord { block, ..word }));
        }
        Ok(words)
    }

    fn read_batch(
        &self,
        batch: &[(usize, Strip)],
        budget: &Budget,
    ) -> Result<Vec<(usize, Vec<RawWord>)>, ReadError> {
        budget.check()?;
        let strips: Vec<&Strip> = batch.iter().map(|(_, strip)| strip).collect();
        let padded = strips.first().map_or(0, |strip| strip.padded);
        let input = recognise::input(&strips);
        let shape = [strips.len(), 3, HEIGHT, padded];
        let tensor = TensorRef::from_array_view((shape, input.as_slice())).map_err(|error| failed(&error))?;
        let mut session = self.read.borrow_mut();
        let outputs = session.run(ort::inputs![tensor]).map_err(|error| failed(&error))?;
        let likelihoods = outputs.values().next().ok_or_else(|| failed(&"it says nothing"))?;
        let (shape, likelihoods) = likelihoods.try_extract_tensor::<f32>().map_err(|error| failed(&error))?;
        let classes = shape.last().and_then(|classes| usize::try_from(*classes).ok()).unwrap_or(0);
        let each = (likelihoods.len() / batch.len().max(1)).max(1);
        let read = batch.iter().zip(likelihoods.chunks(each));
        let words = |strip: &Strip, likelihoods: &[f32]| {
            recognise::words(strip, likelihoods, classes, &self.characters)
        };
        Ok(read.map(|((at, strip), likelihoods)| (*at, words(strip, likelihoods))).collect())
    }
}

/// The mean likelihood of words; lines that say nothing at all count, too.
fn sure(words: &[RawWord], lines: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "words of a picture")]
    let count = words.len().max(lines).max(1) as f32;
    words.iter().filter_map(|word| word.confidence).sum::<f32>() / count
}

struct Turned {
    turn: Turn,
    picture: RgbImage,
    boxes: Vec<Slanted>,
}

/// By how many degrees most lines go down to the right: those of a picture that was taken at a slant.
fn slant(boxes: &[Slanted]) -> f32 {
    const LEVEL: f32 = 0.25;
    let long = boxes.iter().filter(|found| found.half[0] > 2.0 * found.half[1]);
    let mut slants: Vec<f32> = long.map(|found| found.along[1].atan2(found.along[0])).collect();
    slants.sort_by(f32::total_cmp);
    let slant = slants.get(slants.len() / 2).map_or(0.0, |slant| slant.to_degrees());
    if (LEVEL..=45.0).contains(&slant.abs()) { slant } else { 0.0 }
}

fn failed(error: &dyn std::fmt::Display) -> ReadError {
    ReadError::EngineUnavailable(format!("OCR: {error}"))
}
