//! Arrays of PostgreSQL as texts. It takes those apart in one pass, where it would look into each row of JSON once for
//! each value of it.

use std::fmt::Write as _;

/// An array of numbers.
pub fn numbers(values: impl Iterator<Item = i64>) -> String {
    array(values, |text, number| {
        // Writing to a text does not fail.
        let _ = write!(text, "{number}");
    })
}

/// An array of texts.
pub fn texts<'v>(values: impl Iterator<Item = &'v str>) -> String {
    optional_texts(values.map(Some))
}

/// An array of texts, of which some may be absent.
pub fn optional_texts<'v>(values: impl Iterator<Item = Option<&'v str>>) -> String {
    array(values, |text, value| {
        let Some(value) = value else { return text.push_str("NULL") };
        text.push('"');
        for piece in value.split_inclusive(['"', '\\']) {
            match piece.strip_suffix(['"', '\\']) {
                Some(before) => text.extend([before, "\\", &piece[before.len()..]]),
                None => text.push_str(piece),
            }
        }
        text.push('"');
    })
}

fn array<T>(values: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) -> String {
    let mut text = String::from("{");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        write(&mut text, value);
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEnvironment;
    use crate::{AnyDb, Migrator, Postgres, Row, open, sql};

    #[test]
    fn numbers_stand_between_commas() {
        assert_eq!(numbers([].into_iter()), "{}");
        assert_eq!(numbers([1, -2, i64::MIN].into_iter()), "{1,-2,-9223372036854775808}");
    }

    #[tokio::test]
    async fn postgresql_reads_texts_as_they_are() {
        let texts =
            ["", " ", "NULL", "a,b", "{}", "\"", "\\", "\\\"", "\\\\a\"b\\", "'", "ä\n\u{202e}😀", "{1,2}"];
        let values: Vec<_> = texts.into_iter().map(Some).chain([None, Some("after none")]).collect();
        let home = TestEnvironment::postgres().await;
        let none = || Migrator::with_migrations(Vec::new());
        let db = open(&home.environment, "arrays", none(), none()).await.unwrap();
        let AnyDb::Postgres(db) = db else { panic!("it is PostgreSQL") };
        let text = optional_texts(values.iter().copied());
        let mut lease = db.read().await.unwrap();
        let query = sql::<Postgres>("SELECT unnest($1::text::text[]) AS one").bind(&text);
        let rows: Vec<Row<Postgres>> = query.all(&mut lease).await.unwrap();
        lease.done();
        let read: Vec<Option<String>> = rows.iter().map(|row| row.get("one").unwrap()).collect();
        assert_eq!(read.iter().map(Option::as_deref).collect::<Vec<_>>(), values);
        db.close().await;
    }
}
