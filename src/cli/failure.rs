//! Why a command failed, with its causes, for a person at a terminal.

use std::error::Error;
use std::fmt;

use crate::deliver::chain;

/// Any error, or a sentence.
#[derive(Debug)]
pub struct Failure(Box<dyn Error + Send + Sync>);

impl Failure {
    pub fn because(sentence: impl Into<String>) -> Self {
        Self(sentence.into().into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(&*self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the list cannot be read")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_failure_tells_its_causes_once_each() {
        let failure = Failure::from(Outer(std::io::Error::other("no such disk")));
        assert_eq!(failure.to_string(), "the list cannot be read: no such disk");
        assert_eq!(Failure::because("nothing to do").to_string(), "nothing to do");
    }
}
