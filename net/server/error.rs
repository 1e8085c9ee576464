//! Why a part of a cluster did not start.

use std::error::Error;
use std::fmt;

/// Why a part of a cluster did not start; one line that says what to do.
#[derive(Debug)]
pub struct NotStarted {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl NotStarted {
    /// With another error's text.
    pub(in crate::net) fn because(error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            text: error.to_string(),
            source: Some(Box::new(error)),
        }
    }

    /// With a text of its own.
    pub(in crate::net) fn saying(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: None,
        }
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for NotStarted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is this one's already; what is behind it is not.
        self.source.as_ref()?.source()
    }
}
