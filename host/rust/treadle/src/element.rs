// SPDX-License-Identifier: BSD-3-Clause
//! Rust's types and the library's.
use treadle_sys as sys;

/// A type of elements.
///
/// # Safety
///
/// `DTYPE` says how a value lies in memory, and its bits are those of the type's size. What the
/// library writes for that dtype is a valid value.
pub unsafe trait Element: Copy + 'static {
    const DTYPE: sys::treadle_dtype;
}

macro_rules! elements {
    ($($code:ident: $($rust:ty),+;)+) => {$($(
        // SAFETY: the same representation by definition of DLPack's codes.
        unsafe impl Element for $rust {
            const DTYPE: sys::treadle_dtype = sys::treadle_dtype {
                code: sys::$code,
                bits: 8 * std::mem::size_of::<$rust>() as u8,
                lanes: 1,
            };
        }
    )+)+};
}

elements! {
    TREADLE_BOOL: bool;
    TREADLE_INT: i8, i16, i32, i64;
    TREADLE_UINT: u8, u16, u32, u64;
    TREADLE_FLOAT: f32, f64;
}

#[cfg(feature = "num-complex")]
elements! {
    TREADLE_COMPLEX: num_complex::Complex<f32>, num_complex::Complex<f64>;
}
