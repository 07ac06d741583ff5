//! Arrays of PostgreSQL as texts. It takes those apart in one pass, where it would look into each row of JSON once for
//! each value of it.

use std::fmt::Write as _;

/// An array of numbers.
pub(super) fn numbers(values: impl Iterator<Item = i64>) -> String {
    array(values, |text, number| {
        // Writing to a text does not fail.
        let _ = write!(text, "{number}");
    })
}

/// An array of texts.
pub(super) fn texts<'v>(values: impl Iterator<Item = &'v str>) -> String {
    array(values, |text, value| {
        text.push('"');
        for character in value.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
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
    use svc_db::testing::TestEnvironment;
    use svc_db::{AnyDb, Postgres, Row, sql};

    #[test]
    fn numbers_stand_between_commas() {
        assert_eq!(numbers([].into_iter()), "{}");
        assert_eq!(numbers([1, -2, i64::MIN].into_iter()), "{1,-2,-9223372036854775808}");
    }

    #[tokio::test]
    async fn postgresql_reads_texts_as_they_are() {
        let values = ["", " ", "NULL", "a,b", "{}", "\"", "\\", "\\\"", "'", "ä\n\u{202e}😀", "{1,2}"];
        let home = TestEnvironment::postgres().await;
        let (_, _, db) = super::super::open(&home.environment).await.unwrap();
        let AnyDb::Postgres(db) = db else { panic!("it is PostgreSQL") };
        let text = texts(values.into_iter());
        let mut lease = db.read().await.unwrap();
        let query = sql::<Postgres>("SELECT unnest($1::text::text[]) AS one").bind(&text);
        let rows: Vec<Row<Postgres>> = query.all(&mut lease).await.unwrap();
        lease.done();
        let read: Vec<String> = rows.iter().map(|row| row.get("one").unwrap()).collect();
        assert_eq!(read, values);
        db.close().await;
    }
}
