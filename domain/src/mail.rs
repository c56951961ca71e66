//! Mails: addresses, the texts of reminders, and the requests to providers that send them.

mod content;
mod provider;
mod unsubscribe;

pub use content::Content;
pub use provider::{Mail, Mailer};
pub use unsubscribe::Unsubscribe;

/// An address with the name of its owner, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    name: String,
    address: String,
}

impl Mailbox {
    /// Parses `tasks@example.org` or `Spindle <tasks@example.org>`.
    ///
    /// Characters that have a meaning in mail headers are refused, because a provider could read another address or several. The
    /// address of an account may have them; then no mail can be sent to it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|it| it.split_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        if name
            .chars()
            .any(|c| c.is_control() || "\"<>\\,;:@()[]".contains(c))
        {
            return Err("must have a name without the characters \" < > \\ , ; : @ ( ) [ ]");
        }
        if !is_address(address) {
            return Err("must be an email address, such as ada@example.org, of usual characters");
        }
        Ok(Self {
            name: name.to_owned(),
            address: address.to_owned(),
        })
    }

    /// The mailbox as in the header `From`.
    fn to_header(&self) -> String {
        match self.name.as_str() {
            "" => self.address.clone(),
            name => format!("{name} <{}>", self.address),
        }
    }
}

/// Whether a text is an address that needs no quotes (RFC 5322, section 3.4.1; RFC 6532 for other letters).
fn is_address(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric());
    let is_atom = |c: char| is_letter(c) || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_dotted = |text: &str, is_allowed: &dyn Fn(char) -> bool| {
        text.split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_allowed))
    };
    is_dotted(local, &is_atom) && is_dotted(domain, &|c| is_letter(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_one_address() {
        for (text, header) in [
            ("ada@example.org", "ada@example.org"),
            (" Spindle  <t+x@a-b.example> ", "Spindle <t+x@a-b.example>"),
            ("<a@b.de>", "a@b.de"),
            (
                "Ada L. Zuse-Ünal <ada.l@ex\u{e4}mple.org>",
                "Ada L. Zuse-Ünal <ada.l@ex\u{e4}mple.org>",
            ),
            ("o'neil@example.org", "o'neil@example.org"),
        ] {
            assert_eq!(Mailbox::parse(text).unwrap().to_header(), header);
        }
    }

    /// An account may have some of these.
    #[test]
    fn an_address_that_could_be_another_is_refused() {
        for wrong in [
            "",
            "a",
            "a@",
            "@b.de",
            "a@b@c.de",
            "x,a@b.de",
            "x<a@b.de",
            "x<a@b.de>,y@z.de",
            "x<y<a@b.de>",
            "a@b.de>",
            "\"a b\"@c.de",
            "a b@c.de",
            "a(b)@c.de",
            "a..b@c.de",
            "a@[127.0.0.1]",
            "a@b.de\r\nBcc: c@d.de",
            "Bcc: x <a@b.de>",
            "a\r\nb <a@b.de>",
        ] {
            assert!(Mailbox::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
