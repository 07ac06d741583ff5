//! Hands a mail to the server of `auth.smtp`.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use svc_core::clock::Timestamp;

use super::config::{SmtpConfig, SmtpTls, is_loopback};
use crate::domain::{Mail, MailId};

/// How long a mail may take in all, whatever each step takes.
pub(super) const MOST: Duration = Duration::from_secs(60);

/// Says that no person has written it, so that no holiday notice answers (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// What is wrong with `auth.smtp`.
#[derive(Debug, thiserror::Error)]
#[error("auth.smtp: {0}")]
pub struct BadSmtpConfig(String);

/// Why a mail was not taken. It says nothing of whom it is for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSent {
    /// Another time it may be.
    #[error("{0}")]
    Yet(String),
    /// It never will be.
    #[error("{0}")]
    Ever(String),
}

/// The mail server.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// As set. `None` when no mail is to be sent. It does not connect yet.
    pub(super) fn new(config: &SmtpConfig) -> Result<Option<Smtp>, BadSmtpConfig> {
        let wrong = |message: &str| Err(BadSmtpConfig(message.to_owned()));
        let Some(host) = &config.host else { return Ok(None) };
        let Some(from) = &config.from else {
            return wrong("`from` is needed, as in `Keyward <keyward@example.com>`");
        };
        let Ok(from) = from.parse::<Mailbox>() else { return wrong("`from` is not an email address") };
        if !(1..=60).contains(&config.timeout_seconds) {
            return wrong("`timeout_seconds` must be 1 to 60");
        }
        let tls = || TlsParameters::new(host.clone()).map_err(|error| BadSmtpConfig(format!("TLS: {error}")));
        let tls = match config.tls {
            SmtpTls::Starttls => Tls::Required(tls()?),
            SmtpTls::Tls => Tls::Wrapper(tls()?),
            SmtpTls::None if is_loopback(host) => Tls::None,
            SmtpTls::None => return wrong("`tls = \"none\"` is for a server on this machine only"),
        };
        let timeout = Duration::from_secs(config.timeout_seconds);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(config.port())
            .tls(tls)
            .timeout(Some(timeout));
        let transport = match (&config.username, &config.password) {
            (Some(name), Some(password)) => {
                transport.credentials(Credentials::new(name.clone(), password.expose().to_owned()))
            }
            (None, None) => transport,
            _ => return wrong("`username` and `password` go together"),
        };
        Ok(Some(Smtp { transport: transport.build(), from }))
    }

    /// Sends a mail.
    pub(super) async fn send(&self, id: &MailId, mail: &Mail, written: Timestamp) -> Result<(), NotSent> {
        let message = self.message(id, mail, written)?;
        match tokio::time::timeout(MOST, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(not_sent(&error)),
            Err(_) => Err(NotSent::Yet(format!("it took longer than {MOST:?}"))),
        }
    }

    fn message(&self, id: &MailId, mail: &Mail, written: Timestamp) -> Result<Message, NotSent> {
        let to: lettre::Address =
            mail.to.parse().map_err(|_| NotSent::Ever("the email address cannot be sent to".to_owned()))?;
        let written = Duration::from_micros(u64::try_from(written.0).unwrap_or_default());
        // The same at each attempt, so that whoever gets it twice sees that it is one.
        let message_id = format!("<{id}@{}>", self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(SystemTime::UNIX_EPOCH + written)
            .message_id(Some(message_id))
            .subject(mail.subject.clone())
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|_| NotSent::Ever("it cannot be written as a message".to_owned()))
    }
}

/// What a server says may name the address: only its code is told.
fn not_sent(error: &lettre::transport::smtp::Error) -> NotSent {
    match error.status().map(|code| code.to_string()) {
        // Of signing in: that is for the operator to mend, and no fault of the mail.
        Some(code) if error.is_permanent() && !code.starts_with("53") => {
            NotSent::Ever(format!("the server refused it with {code}"))
        }
        Some(code) => NotSent::Yet(format!("the server answered {code}")),
        None if error.is_timeout() => NotSent::Yet("the server did not answer in time".to_owned()),
        None if error.is_tls() => NotSent::Yet("there is no TLS connection".to_owned()),
        None => {
            NotSent::Yet("there is no connection, or the server does not speak SMTP as expected".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use svc_core::secret::Secret;

    use super::*;

    fn config() -> SmtpConfig {
        SmtpConfig {
            host: Some("127.0.0.1".to_owned()),
            tls: SmtpTls::None,
            from: Some("Keyward <keyward@example.com>".to_owned()),
            ..SmtpConfig::default()
        }
    }

    #[test]
    fn settings_that_cannot_be() {
        for (config, says) in [
            (SmtpConfig { from: None, ..config() }, Some("`from` is needed")),
            (SmtpConfig { from: Some("nobody".to_owned()), ..config() }, Some("`from` is not")),
            (
                SmtpConfig { host: Some("mail.example.com".to_owned()), ..config() },
                Some("on this machine only"),
            ),
            (SmtpConfig { username: Some("x".to_owned()), ..config() }, Some("go together")),
            (SmtpConfig { password: Some(Secret::new("x")), ..config() }, Some("go together")),
            (SmtpConfig { timeout_seconds: 0, ..config() }, Some("1 to 60")),
            (SmtpConfig { host: None, from: None, ..config() }, None),
            (config(), None),
        ] {
            let error = Smtp::new(&config).err().map(|error| error.to_string());
            let fits = says.map_or(error.is_none(), |says| error.as_ref().is_some_and(|e| e.contains(says)));
            assert!(fits, "{error:?} {says:?}");
        }
    }

    #[test]
    fn nothing_in_a_mail_becomes_a_header() {
        let smtp = Smtp::new(&config()).unwrap().unwrap();
        let mail = |to: &str, subject: &str| Mail {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Text\r\n.\r\nBcc: c@example.com\r\n".to_owned(),
        };
        // The domain's own types let no line break into a subject. Here is one all the same.
        let odd = mail("ann@example.com", "Hello\r\nBcc: eve@example.com\r\n\r\nInjected");
        let message = smtp.message(&MailId::new("m"), &odd, Timestamp(0)).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let names =
            head.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(':'));
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| name.eq_ignore_ascii_case("bcc")), "{head}");
        assert!(!head.contains("\nInjected"), "{head}");
        let to = message.envelope().to();
        assert_eq!(to.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ann@example.com"]);
        for to in
            ["ann@example.com\r\nBcc: eve@example.com", "a@example.com, b@example.com", "<a@example.com>"]
        {
            assert!(matches!(
                smtp.message(&MailId::new("m"), &mail(to, "x"), Timestamp(0)),
                Err(NotSent::Ever(_))
            ));
        }
    }
}
