//! Pages of lists.

use svc_core::cursor;
use svc_core::error::{Error, Fault, Violation};
use svc_core::ids::is_id;

use crate::domain::{DEFAULT_PAGE, MAX_PAGE};
use crate::store::Page;

/// Which page a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// 1 to 100, default 20.
    pub limit: Option<i32>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Count all items.
    pub include_total: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct List<T> {
    /// Its items.
    pub items: Vec<T>,
    /// The most items that a page of this list holds.
    pub limit: i32,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// How many items there are on all pages, when asked.
    pub total: Option<i64>,
}

impl PageRequest {
    /// The page of the list `scope`, with one item more than asked, which tells whether others follow.
    pub(super) fn open(&self, scope: &str) -> Result<(i32, Page), Error> {
        let limit = self.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let violation = Violation::new("limit", Fault::OutOfRange, "`limit` is from 1 to 100.");
            return Err(Error::invalid(vec![violation]));
        }
        let before = match &self.cursor {
            Some(cursor) => {
                let [id] = cursor::decode(scope, cursor)?;
                Some(id).filter(|id| is_id(id))
            }
            None => None,
        };
        Ok((limit, Page { before, limit: i64::from(limit) + 1 }))
    }
}

impl<T> List<T> {
    /// From what the store found for [`PageRequest::open`]'s page.
    pub(super) fn close(
        mut items: Vec<T>,
        limit: i32,
        scope: &str,
        total: Option<i64>,
        id: impl Fn(&T) -> &str,
    ) -> List<T> {
        let size = limit as usize;
        let has_more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| has_more);
        let next_cursor = last.map(|item| cursor::encode(scope, &[id(item)]));
        List { items, limit, next_cursor, total }
    }
}
