//! Boxes that are ticked or not, as characters show them: `☒`, `[x]`, `( )`.

/// Characters of a box that is ticked, and of one that is not; folded.
const TICKED: &[&str] = &["☒", "☑", "⊠", "■", "▣", "✓", "✔", "✗", "✘", "🗹", "🗷"];
const EMPTY: &[&str] = &["☐", "□", "❏", "❑", "❒", "▢", "⬜"];

/// The box with which these (folded) tokens begin: how many tokens it takes, and whether it is ticked.
pub(crate) fn tick(tokens: &[&str]) -> Option<(usize, bool)> {
    let first = *tokens.first()?;
    if TICKED.contains(&first) {
        return Some((1, true));
    }
    if EMPTY.contains(&first) {
        return Some((1, false));
    }
    let open = first.chars().next().filter(|c| matches!(c, '[' | '('))?;
    let close = if open == '[' { ']' } else { ')' };
    // "[x]" is one token, "[ ]" two, "[ x ]" three.
    let mut inside = String::new();
    for (i, token) in tokens.iter().take(3).enumerate() {
        let rest = if i == 0 { &token[1..] } else { token };
        let Some(body) = rest.strip_suffix(close) else {
            inside.push_str(rest);
            continue;
        };
        inside.push_str(body);
        return match inside.as_str() {
            "" | "_" => Some((i + 1, false)),
            "x" | "✓" | "✔" | "✗" | "✘" | "☒" | "■" => Some((i + 1, true)),
            _ => None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes() {
        for (tokens, found) in [
            (vec!["☒", "yes"], Some((1, true))),
            (vec!["□"], Some((1, false))),
            (vec!["[x]", "yes"], Some((1, true))),
            (vec!["[", "]", "yes"], Some((2, false))),
            (vec!["[]"], Some((1, false))),
            (vec!["(", "x", ")"], Some((3, true))),
            (vec!["[", "x]"], Some((2, true))),
            (vec!["(a)"], None),
            (vec!["(see", "x)"], None),
            (vec!["[1]"], None),
            (vec!["x"], None),
            (vec!["[", "one", "two", "]"], None),
            (vec![], None),
        ] {
            assert_eq!(tick(&tokens), found, "{tokens:?}");
        }
    }
}
