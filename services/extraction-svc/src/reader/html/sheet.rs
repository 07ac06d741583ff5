//! The rules of a page's style sheets, and which of them hold for an element.

use std::collections::HashMap;

use super::dom::{Dom, Id};
use super::style::Style;

/// The most rules that are kept.
const MAX_RULES: usize = 20_000;
/// How many of the elements around one are looked at.
const MAX_AROUND: usize = 100;
/// Style sheets for a medium that people read on.
const MEDIA: &[&str] = &["", "all", "screen", "only screen"];

/// The rules of the page's style sheets.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<Rule>,
    /// Which rules may hold for an element of this name, `.class` or `#id`.
    by: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Rule {
    of: Compound,
    /// What the element stands in, the nearest last.
    within: Vec<Compound>,
    declarations: String,
}

/// What one part of a selector asks of an element: `td`, `.note`, `p.note`, `#total`.
#[derive(Debug, Default)]
struct Compound {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
}

impl Sheet {
    /// Adds the rules of a style sheet that can be told from the element and those around it.
    pub(super) fn add(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = css.as_str();
        while let Some((selectors, after)) = rest.split_once('{') {
            if let Some(rule) = selectors.trim_start().strip_prefix('@') {
                let (inside, next) = block(after);
                if is_seen(rule) {
                    self.add_rules(inside);
                }
                // For print, for small screens, fonts: skipped with all that is in them.
                rest = next;
                continue;
            }
            rest = self.add_rule(selectors, after);
        }
    }

    fn add_rules(&mut self, css: &str) {
        let mut rest = css;
        while let Some((selectors, after)) = rest.split_once('{') {
            rest = match selectors.trim_start().starts_with('@') {
                true => block(after).1,
                false => self.add_rule(selectors, after),
            };
        }
    }

    /// Adds a rule, and gives what comes after it.
    fn add_rule<'a>(&mut self, selectors: &str, after: &'a str) -> &'a str {
        let (declarations, next) = after.split_once('}').unwrap_or((after, ""));
        for selector in selectors.split(',') {
            let compounds: Option<Vec<Compound>> = selector
                .split(|c: char| c.is_whitespace() || c == '>')
                .filter(|compound| !compound.is_empty())
                .map(Compound::parse)
                .collect();
            let Some(mut within) = compounds else { continue };
            let Some(of) = within.pop() else { continue };
            if self.rules.len() < MAX_RULES {
                self.by.entry(of.key()).or_default().push(self.rules.len());
                self.rules.push(Rule { of, within, declarations: declarations.to_owned() });
            }
        }
        next
    }

    /// The style of an element within one that has the style `outer`.
    pub(super) fn of(&self, dom: &Dom, id: Id, outer: Style) -> Style {
        let mut style = outer.placed();
        if dom.attribute(id, "hidden").is_some() {
            style.apply("display:none");
        }
        for rule in self.rules_of(dom, id) {
            style.apply(&rule.declarations);
        }
        for (attribute, property) in [("bgcolor", "background"), ("color", "color")] {
            if let Some(value) = dom.attribute(id, attribute) {
                style.apply(&format!("{property}:{value}"));
            }
        }
        if let Some(declarations) = dom.attribute(id, "style") {
            style.apply(declarations);
        }
        style
    }

    /// The rules that hold for an element, those that count most last.
    fn rules_of(&self, dom: &Dom, id: Id) -> Vec<&Rule> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let keys = [String::new(), dom.name(id).to_owned()].into_iter();
        let keys = keys.chain(classes(dom, id).map(|class| format!(".{class}")));
        let keys = keys.chain(own_id(dom, id).map(|own| format!("#{own}")));
        let named = keys.filter_map(|key| self.by.get(&key)).flatten().copied();
        let mut held: Vec<usize> = named.filter(|at| self.rules[*at].holds_for(dom, id)).collect();
        held.sort_by_key(|at| (self.rules[*at].weight(), *at));
        held.dedup();
        held.into_iter().map(|at| &self.rules[at]).collect()
    }
}

impl Rule {
    fn holds_for(&self, dom: &Dom, id: Id) -> bool {
        if !self.of.is(dom, id) {
            return false;
        }
        let mut around = std::iter::successors(dom.parent(id), |id| dom.parent(*id)).take(MAX_AROUND);
        self.within.iter().rev().all(|compound| around.any(|id| compound.is(dom, id)))
    }

    /// How much it counts: ids, classes, names.
    fn weight(&self) -> [usize; 3] {
        self.within.iter().chain([&self.of]).fold([0; 3], |[ids, classes, names], compound| {
            [
                ids + usize::from(compound.id.is_some()),
                classes + compound.classes.len(),
                names + usize::from(compound.name.is_some()),
            ]
        })
    }
}

impl Compound {
    /// `None`: it asks for something that is not looked at.
    fn parse(text: &str) -> Option<Compound> {
        let text = text.to_ascii_lowercase();
        let mut compound = Compound::default();
        let starts = text.char_indices().filter(|(at, c)| *at == 0 || matches!(c, '.' | '#'));
        let starts: Vec<usize> = starts.map(|(at, _)| at).chain([text.len()]).collect();
        for ends in starts.windows(2) {
            let [start, end] = ends else { continue };
            let part = &text[*start..*end];
            let name = part.trim_start_matches(['.', '#']);
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            match part.chars().next() {
                Some('*') if part == "*" => {}
                _ if name.is_empty() || !name.chars().all(is_name) => return None,
                Some('.') => compound.classes.push(name.to_owned()),
                Some('#') => compound.id = Some(name.to_owned()),
                _ => compound.name = Some(name.to_owned()),
            }
        }
        Some(compound)
    }

    /// One thing that it asks for.
    fn key(&self) -> String {
        match (&self.id, self.classes.first(), &self.name) {
            (Some(id), ..) => format!("#{id}"),
            (_, Some(class), _) => format!(".{class}"),
            (.., name) => name.clone().unwrap_or_default(),
        }
    }

    fn is(&self, dom: &Dom, id: Id) -> bool {
        self.name.as_deref().is_none_or(|name| dom.name(id) == name)
            && self.id.as_ref().is_none_or(|wanted| own_id(dom, id).as_ref() == Some(wanted))
            && self.classes.iter().all(|wanted| classes(dom, id).any(|class| class == *wanted))
    }
}

fn classes(dom: &Dom, id: Id) -> impl Iterator<Item = String> {
    let classes = dom.attribute(id, "class").unwrap_or_default().split_whitespace().take(32);
    classes.map(str::to_ascii_lowercase)
}

fn own_id(dom: &Dom, id: Id) -> Option<String> {
    Some(dom.attribute(id, "id")?.trim().to_ascii_lowercase())
}

/// Whether what a rule with `@` holds is for people in front of a screen.
fn is_seen(rule: &str) -> bool {
    let rule = rule.trim().to_ascii_lowercase();
    let media = rule.strip_prefix("media").map(|media| media.split(',').map(str::trim).collect::<Vec<_>>());
    media.is_some_and(|media| media.iter().any(|medium| MEDIA.contains(medium)))
}

fn without_comments(css: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(css.len()), css);
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.replace("<!--", "").replace("-->", "")
}

/// The block that has just been opened, and what comes after it.
fn block(css: &str) -> (&str, &str) {
    let mut depth = 1_usize;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (css.get(..at).unwrap_or_default(), css.get(at + 1..).unwrap_or_default());
        }
    }
    (css, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_sheet_hold_for_what_they_name_and_no_more() {
        let css = "/* a */ .h, p.n { display: none } @media print { .seen { display: none } } .menu .x {display:none}
            #gone{visibility:hidden} @media screen { .small > b.thin { display: none } } p.a.b {display:none}
            .tab {display:none} .tab.open {display:block} p[title] {display:none} p:hover {display:none} div p.late {display:none} .late {display:block}";
        let mut sheet = Sheet::default();
        sheet.add(css);
        let page = "<p class=h>1<p class='n'>2<b class=n>3</b><p class=seen>4<p id=gone>5<p class=x>6\
            <div class=menu><p class=x>7</p></div><p class='a'>8<p class='b a'>9<p title=t>10\
            <p class=small><b class=thin>11</b><div><p class=late>12</p></div><p class=late>13\
            <p class=tab>14<p class='tab open'>15";
        let dom = Dom::parse(page);
        let (mut seen, mut open) = (Vec::new(), vec![(Dom::ROOT, Style::PAGE)]);
        while let Some((id, outer)) = open.pop() {
            let style = sheet.of(&dom, id, outer);
            if matches!(dom.name(id), "p" | "b") {
                seen.push((dom.text(id), style.is_hidden()));
            }
            open.extend(dom.children(id).iter().rev().map(|child| (*child, style)));
        }
        let hidden: Vec<&str> =
            seen.iter().filter(|(_, hidden)| *hidden).map(|(text, _)| text.as_str()).collect();
        assert_eq!(hidden, ["1", "23", "3", "5", "7", "9", "11", "12", "14"]);
        let all: Vec<&str> = seen.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            all,
            ["1", "23", "3", "4", "5", "6", "7", "8", "9", "10", "11", "11", "12", "13", "14", "15"]
        );
    }

    #[test]
    fn a_sheet_is_bounded() {
        let mut sheet = Sheet::default();
        sheet.add(&"p{color:red}".repeat(MAX_RULES + 10));
        assert_eq!(sheet.rules.len(), MAX_RULES);
        let deep = "<div>".repeat(5_000);
        let dom = Dom::parse(&format!("{deep}<p>x"));
        sheet.add("@media screen {");
        let _ = sheet.of(&dom, 1, Style::PAGE);
    }
}
