//! Pages of lists.

use svc_core::cursor;
use svc_core::ids::is_id;
use svc_core::page::PageSize;

use crate::error::AuthError;
use crate::store::Slice;

/// Which page a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageRequest {
    /// 1 to 100, default 20.
    pub(crate) limit: Option<i32>,
    /// Where to go on.
    pub(crate) cursor: Option<String>,
    /// Count all items.
    pub(crate) include_total: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub(crate) struct List<T> {
    /// Its items.
    pub(crate) items: Vec<T>,
    /// The most items that a page of this list holds.
    pub(crate) limit: PageSize,
    /// The cursor of the next page.
    pub(crate) next_cursor: Option<String>,
    /// How many items there are on all pages, when asked.
    pub(crate) total: Option<i64>,
}

impl PageRequest {
    /// The slice of the list `scope`, with one item more than asked, which tells whether others follow.
    pub(super) fn open(&self, scope: &str) -> Result<(PageSize, Slice), AuthError> {
        let size = PageSize::new(self.limit).map_err(|violation| AuthError::Invalid(vec![violation]))?;
        let before = match &self.cursor {
            Some(cursor) => {
                let [id] = cursor::decode(scope, cursor).map_err(AuthError::Cursor)?;
                Some(id).filter(|id| is_id(id))
            }
            None => None,
        };
        Ok((size, Slice { before, limit: i64::from(size.get()) + 1 }))
    }
}

impl<T> List<T> {
    /// From what the store found for [`PageRequest::open`]'s slice.
    pub(super) fn close(
        mut items: Vec<T>,
        limit: PageSize,
        scope: &str,
        total: Option<i64>,
        id: impl Fn(&T) -> &str,
    ) -> List<T> {
        let size = limit.get() as usize;
        let has_more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| has_more);
        let next_cursor = last.map(|item| cursor::encode(scope, &[id(item)]));
        List { items, limit, next_cursor, total }
    }
}
