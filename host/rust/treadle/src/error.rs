// SPDX-License-Identifier: BSD-3-Clause
//! What the library refuses, in its own words.
use std::{ffi::CStr, fmt};

use treadle_sys as sys;

/// A failed call. It prints as the library's sentence, which names the argument or variable and
/// what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
}

/// Why a call failed; the codes of `<treadle/status.h>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The backend met an error of its own; the outputs hold no result.
    Failed,
    /// An argument is wrong; nothing was written.
    Invalid,
    /// Memory could not be had; the outputs hold no result.
    NoMemory,
    /// No backend that may be used has this operation for these types; nothing was written.
    Unsupported,
    /// The numbers do not allow it: singular, not positive definite, did not converge.
    Numeric,
    /// A plugin could not be loaded.
    Plugin,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn invalid(sentence: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Invalid, sentence: sentence.into() }
    }

    #[cold]
    fn last(status: i32) -> Self {
        let kind = match status {
            sys::TREADLE_E_INVALID => ErrorKind::Invalid,
            sys::TREADLE_E_NOMEM => ErrorKind::NoMemory,
            sys::TREADLE_E_UNSUPPORTED => ErrorKind::Unsupported,
            sys::TREADLE_E_NUMERIC => ErrorKind::Numeric,
            sys::TREADLE_E_PLUGIN => ErrorKind::Plugin,
            _ => ErrorKind::Failed,
        };
        // SAFETY: the text is valid until this thread's next failure; it is copied here.
        let sentence = unsafe { CStr::from_ptr(sys::treadle_last_error()) };
        Error { kind, sentence: sentence.to_string_lossy().into_owned() }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// From a status of the library, right after the call and on its thread.
#[inline]
pub(crate) fn check(status: i32) -> Result<()> {
    if status == sys::TREADLE_OK {
        Ok(())
    } else {
        Err(Error::last(status))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}
