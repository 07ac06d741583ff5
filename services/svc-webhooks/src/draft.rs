//! What members may say of a webhook.

use svc_core::error::{Fault, Violation};

use crate::domain::{EventType, Settings, WebhookStatus};
use crate::target::Targets;

/// The most characters of a description.
const MAX_DESCRIPTION: usize = 500;
/// The longest overlap of two secrets, in seconds: a week. And the usual one: a day.
const MAX_OVERLAP: i32 = 604_800;
const DEFAULT_OVERLAP: i32 = 86_400;

/// What a member has sent. Of a change, `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Where messages go.
    pub url: Option<String>,
    /// What is told.
    pub events: Option<Vec<String>>,
    /// For people.
    pub description: Option<String>,
    /// Whether messages are sent.
    pub status: Option<WebhookStatus>,
    /// What is wrong with it already.
    pub violations: Vec<Violation>,
}

impl Draft {
    /// The settings of a new webhook.
    pub(crate) fn new_settings(self, targets: &Targets) -> Result<Settings, Vec<Violation>> {
        let draft = Draft {
            url: Some(self.url.unwrap_or_default()),
            events: Some(self.events.unwrap_or_default()),
            ..self
        };
        let none = Settings {
            url: String::new(),
            events: Vec::new(),
            description: String::new(),
            status: WebhookStatus::Active,
        };
        draft.apply(none, targets)
    }

    /// These settings, changed.
    pub(crate) fn apply(self, mut settings: Settings, targets: &Targets) -> Result<Settings, Vec<Violation>> {
        let mut violations = self.violations;
        if let Some(url) = self.url {
            match targets.check(&url) {
                Ok(_) => settings.url = url,
                Err(violation) => violations.push(violation),
            }
        }
        if let Some(events) = self.events {
            settings.events = read_events(&events, &mut violations);
        }
        if let Some(description) = self.description {
            let description = description.trim();
            violations.extend(check_description(description));
            description.clone_into(&mut settings.description);
        }
        settings.status = self.status.unwrap_or(settings.status);
        if violations.is_empty() { Ok(settings) } else { Err(violations) }
    }
}

fn read_events(sent: &[String], violations: &mut Vec<Violation>) -> Vec<EventType> {
    let mut events = Vec::new();
    if sent.is_empty() {
        let message = "`events` must name at least one event.";
        violations.push(Violation::new("events", Fault::Required, message));
    }
    if sent.len() > EventType::ALL.len() {
        let message = format!("`events` names more than the {} that there are.", EventType::ALL.len());
        violations.push(Violation::new("events", Fault::TooLong, message));
        return events;
    }
    for (at, name) in sent.iter().enumerate() {
        let field = format!("events[{at}]");
        match EventType::parse(name) {
            Some(event) if events.contains(&event) => {
                let message = format!("`{event}` is there twice.");
                violations.push(Violation::new(field, Fault::Duplicate, message));
            }
            Some(event) => events.push(event),
            None => {
                let known: Vec<&str> = EventType::ALL.iter().map(|event| event.as_str()).collect();
                let message = format!("`{field}` must be one of {}.", known.join(", "));
                violations.push(Violation::new(field, Fault::Invalid, message));
            }
        }
    }
    events
}

fn check_description(text: &str) -> Option<Violation> {
    if text.chars().count() > MAX_DESCRIPTION {
        let message = format!("`description` has more than {MAX_DESCRIPTION} characters.");
        return Some(Violation::new("description", Fault::TooLong, message));
    }
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.contains(is_bad).then(|| {
        let message = "`description` must not contain control characters.";
        Violation::new("description", Fault::Invalid, message)
    })
}

/// For how many seconds the older secret signs, too.
pub(crate) fn overlap(seconds: Option<i32>) -> Result<u32, Vec<Violation>> {
    match seconds.unwrap_or(DEFAULT_OVERLAP) {
        seconds @ 0..=MAX_OVERLAP => Ok(seconds.unsigned_abs()),
        _ => Err(vec![Violation::out_of_range("overlapSeconds", 0..=MAX_OVERLAP)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WebhooksConfig;

    fn draft(url: &str, events: &[&str], description: &str) -> Draft {
        Draft {
            url: Some(url.to_owned()),
            events: Some(events.iter().map(|&event| event.to_owned()).collect()),
            description: Some(description.to_owned()),
            ..Draft::default()
        }
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let targets = Targets::new(&WebhooksConfig::default());
        let url = "https://example.com/";
        let (long, longest) = ("ä".repeat(501), "ä".repeat(500));
        let many = ["contact.created"; 10];
        for (draft, faults) in [
            (draft(url, &["contact.created", "api_key.deleted"], " A line\nand another "), &[][..]),
            (draft(url, &["contact.created"], &longest), &[]),
            (draft(url, &["contact.created"], &long), &[("description", Fault::TooLong)]),
            (draft(url, &["contact.created"], "a\u{0}b"), &[("description", Fault::Invalid)]),
            (draft(url, &[], ""), &[("events", Fault::Required)]),
            (draft(url, &many, ""), &[("events", Fault::TooLong)]),
            (draft(url, &["contact.created", "contact.created"], ""), &[("events[1]", Fault::Duplicate)]),
            (draft(url, &["contact.created", "Contact.Created"], ""), &[("events[1]", Fault::Invalid)]),
            (draft(url, &["contact.*"], ""), &[("events[0]", Fault::Invalid)]),
            (Draft::default(), &[("url", Fault::Required), ("events", Fault::Required)]),
            (
                draft("http://10.0.0.1/", &["x"], "\u{7}"),
                &[("url", Fault::Invalid), ("events[0]", Fault::Invalid), ("description", Fault::Invalid)],
            ),
        ] {
            let found = draft.clone().new_settings(&targets).err().unwrap_or_default();
            let found: Vec<(&str, Fault)> =
                found.iter().map(|violation| (violation.field.as_str(), violation.fault)).collect();
            assert_eq!(found, faults, "{draft:?}");
        }
        let settings = draft(url, &["contact.created"], " A line ").new_settings(&targets).unwrap();
        assert_eq!((settings.description.as_str(), settings.status), ("A line", WebhookStatus::Active));
        let change = Draft { status: Some(WebhookStatus::Disabled), ..Draft::default() };
        let changed = change.apply(settings.clone(), &targets).unwrap();
        assert_eq!(changed, Settings { status: WebhookStatus::Disabled, ..settings });
    }

    #[test]
    fn overlaps() {
        for (seconds, good) in [
            (None, Some(86_400)),
            (Some(0), Some(0)),
            (Some(604_800), Some(604_800)),
            (Some(604_801), None),
            (Some(-1), None),
            (Some(i32::MIN), None),
        ] {
            assert_eq!(overlap(seconds).ok(), good, "{seconds:?}");
        }
    }
}
