//! What a link says of itself when the program starts.

/// One line of what is served where, for whoever has started the program. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// A word or two, as in `broker`.
    pub label: &'static str,
    pub text: String,
    /// The link says so in the log by itself, when it is so.
    pub is_logged: bool,
    /// It is opened in a browser.
    pub page: Option<Page>,
}

/// Something to open in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub url: String,
    /// Whether other machines reach it, a phone say.
    pub is_for_others: bool,
}

impl Served {
    pub fn new(label: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            label,
            text,
            is_logged: false,
            page: None,
        }
    }

    /// The link says so in the log by itself.
    #[must_use]
    pub fn logged(mut self) -> Self {
        self.is_logged = true;
        self
    }

    /// Several of a kind, the first of them by name; none where there are none.
    pub fn several(label: &'static str, all: &[String]) -> Option<Self> {
        const SHOWN_MAX: usize = 8;
        let text = match all.len() {
            0 => return None,
            count if count <= SHOWN_MAX + 1 => all.join(", "),
            count => {
                let shown = all[..SHOWN_MAX].join(", ");
                format!("{shown} and {} more", count - SHOWN_MAX)
            }
        };
        Some(Self::new(label, text))
    }

    /// A page, which is shown by its address.
    pub fn page(label: &'static str, page: Page) -> Self {
        Self {
            page: Some(page.clone()),
            ..Self::new(label, page.url)
        }
    }
}
