// SPDX-License-Identifier: BSD-3-Clause
//! Array operations on the backend, and with the number of threads, that suit each call.
//!
//! ```
//! let (x, y) = ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
//! let mut out = [0.0; 3];
//! let used = treadle::add(&x, &y, &mut out)?;
//! assert_eq!(out, [11.0, 22.0, 33.0]);
//! println!("{} threads of {}", used.threads(), used.backend());
//! # Ok::<(), treadle::Error>(())
//! ```
//!
//! Operands are numbers, slices, arrays and vectors; [`View`] and [`ViewMut`], which give memory a
//! shape and strides; and with the feature `ndarray` that crate's arrays and views, in any layout.
//! Nothing is copied or allocated on the way of a call. An output has its shape already: the
//! library fills it in. Every function may be called on any thread.
//!
//! An operation is named by a C string, `c"add"`; the usual ones are functions of that name.

mod choice;
mod element;
mod error;
#[cfg(feature = "ndarray")]
mod ndarray;
mod operand;
mod ops;
mod view;

pub use choice::{
    backends, num_threads, set_backend, set_num_threads, version, Backend, ThreadBackend,
};
pub use element::Element;
pub use error::{Error, ErrorKind, Result};
pub use operand::{with_described, Input, Output};
pub use ops::*;
pub use view::{View, ViewMut};

/// The declarations of the C library.
pub use treadle_sys as sys;
