// SPDX-License-Identifier: BSD-3-Clause
//! The calls.
use std::{
    ffi::CStr,
    fmt,
    mem::{size_of, MaybeUninit},
    ptr,
};

use treadle_sys as sys;

use crate::{error::check, Error, Input, Output, Result};

/// Who served a call.
#[derive(Clone, Copy)]
pub struct Used(sys::treadle_used);

// SAFETY: the names live as long as the process.
unsafe impl Send for Used {}
unsafe impl Sync for Used {}

impl Used {
    /// "serial", "openmp", ...
    pub fn backend(&self) -> &'static str {
        // SAFETY: the library's, for the life of the process.
        unsafe { name(self.0.backend) }
    }

    /// The kernel, for example "avx512"; "" if the backend does not say.
    pub fn variant(&self) -> &'static str {
        // SAFETY: as above.
        unsafe { name(self.0.variant) }
    }

    /// The most threads that worked at once.
    pub fn threads(&self) -> u32 {
        self.0.threads
    }

    /// Backends that were asked before this one and declined.
    pub fn fallbacks(&self) -> u32 {
        self.0.fallbacks
    }
}

impl fmt::Debug for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Used")
            .field("backend", &self.backend())
            .field("variant", &self.variant())
            .field("threads", &self.threads())
            .field("fallbacks", &self.fallbacks())
            .finish()
    }
}

/// SAFETY: `text` is a text of the library's that is never freed.
pub(crate) unsafe fn name(text: *const std::os::raw::c_char) -> &'static str {
    CStr::from_ptr(text).to_str().unwrap_or("(not UTF-8)")
}

/// Describe the operands, one inside the other, and call the library.
macro_rules! call {
    ($used:ident; $($array:ident = $operand:ident.$with:ident),+; $call:expr) => {{
        let mut status = sys::TREADLE_E_FAILED;
        let mut $used = MaybeUninit::<sys::treadle_used>::uninit();
        call!(@ status; $($array = $operand.$with),+; $call);
        check(status)?;
        // SAFETY: filled in on success.
        Ok(Used(unsafe { $used.assume_init() }))
    }};
    (@ $status:ident; $array:ident = $operand:ident.$with:ident; $call:expr) => {
        // SAFETY: Input and Output promise what the library asks of its arguments.
        $operand.$with(&mut |$array| $status = unsafe { $call })
    };
    (@ $status:ident; $array:ident = $operand:ident.$with:ident, $($rest:tt)+) => {
        $operand.$with(&mut |$array| call!(@ $status; $($rest)+))
    };
}

/// `out = op(x)`, element by element; also `cholesky` and `inv`.
#[inline]
pub fn unary<X, Out>(op: &CStr, x: &X, out: &mut Out) -> Result<Used>
where
    X: Input + ?Sized,
    Out: Output + ?Sized,
{
    call!(used; x_array = x.with_array, out_array = out.with_array_mut;
        sys::treadle_unary(op.as_ptr(), x_array, out_array, used.as_mut_ptr()))
}

/// `x = op(x)`, element by element.
#[inline]
pub fn unary_in_place<X: Output + ?Sized>(op: &CStr, x: &mut X) -> Result<Used> {
    call!(used; array = x.with_array_mut;
        sys::treadle_unary(op.as_ptr(), array, array, used.as_mut_ptr()))
}

/// `out = op(x1, x2)`; inputs are broadcast to the output's shape as in NumPy. Also `matmul`, `dot`
/// and `solve`.
#[inline]
pub fn binary<X1, X2, Out>(op: &CStr, x1: &X1, x2: &X2, out: &mut Out) -> Result<Used>
where
    X1: Input + ?Sized,
    X2: Input + ?Sized,
    Out: Output + ?Sized,
{
    call!(used; x1_array = x1.with_array, x2_array = x2.with_array, out_array = out.with_array_mut;
        sys::treadle_binary(op.as_ptr(), x1_array, x2_array, out_array, used.as_mut_ptr()))
}

/// `x1 = op(x1, x2)`, element by element.
#[inline]
pub fn binary_in_place<X1, X2>(op: &CStr, x1: &mut X1, x2: &X2) -> Result<Used>
where
    X1: Output + ?Sized,
    X2: Input + ?Sized,
{
    call!(used; x2_array = x2.with_array, x1_array = x1.with_array_mut;
        sys::treadle_binary(op.as_ptr(), x1_array, x2_array, x1_array, used.as_mut_ptr()))
}

/// `out = op(x)` over `axes`, negative ones counting from the end, or over all of them. `out` has
/// either the remaining axes or all of them with extent 1.
#[inline]
pub fn reduce<X, Out>(op: &CStr, x: &X, axes: Option<&[i32]>, out: &mut Out) -> Result<Used>
where
    X: Input + ?Sized,
    Out: Output + ?Sized,
{
    let (first, naxes) = match axes {
        None => (ptr::null(), -1),
        Some(axes) => (axes.as_ptr(), i32::try_from(axes.len()).unwrap_or(i32::MAX)),
    };
    if naxes > sys::TREADLE_NDIM_MAX as i32 {
        return Err(Error::invalid(format!("axes: {naxes} of them; an array has up to 64")));
    }
    call!(used; x_array = x.with_array, out_array = out.with_array_mut;
        sys::treadle_reduce(op.as_ptr(), x_array, first, naxes, out_array, used.as_mut_ptr()))
}

/// Describe the i-th operand and those after it, then call.
fn gather(
    inputs: &[&dyn Input],
    outputs: &mut [&mut dyn Output],
    arrays: &mut Vec<sys::treadle_array>,
    call: &mut dyn FnMut(&[sys::treadle_array]),
) {
    if let Some((first, rest)) = inputs.split_first() {
        first.with_array(&mut |array| {
            arrays.push(*array);
            gather(rest, outputs, arrays, call);
        });
    } else if let Some((first, rest)) = outputs.split_first_mut() {
        first.with_array_mut(&mut |array| {
            arrays.push(*array);
            gather(inputs, rest, arrays, call);
        });
    } else {
        call(arrays);
    }
}

/// Any operation, also those of plugins. `flags` are those of `<treadle/ops.h>` for linear algebra.
pub fn run(
    op: &CStr,
    inputs: &[&dyn Input],
    outputs: &mut [&mut dyn Output],
    flags: u32,
) -> Result<Used> {
    let linalg =
        sys::treadle_linalg { struct_size: size_of::<sys::treadle_linalg>() as u32, flags };
    let attrs = if flags == 0 { ptr::null() } else { ptr::addr_of!(linalg).cast() };
    let nin = inputs.len() as u32;
    let mut used = MaybeUninit::uninit();
    let mut status = sys::TREADLE_E_FAILED;
    gather(inputs, outputs, &mut Vec::new(), &mut |args| {
        // SAFETY: Input and Output promise what the library asks of its arguments.
        status = unsafe {
            let nargs = args.len() as u32;
            sys::treadle_run(op.as_ptr(), args.as_ptr(), nargs, nin, attrs, used.as_mut_ptr())
        };
    });
    check(status)?;
    // SAFETY: filled in on success.
    Ok(Used(unsafe { used.assume_init() }))
}

/// What would be done with a call, and why.
#[derive(Clone, Debug)]
pub struct Decision {
    pub backend: &'static str,
    pub variant: &'static str,
    /// Threads that the size is worth.
    pub wanted: u32,
    /// Threads that it would get now.
    pub granted: u32,
    pub cores: u32,
    pub reason: String,
}

/// Decide without running; see [`run`].
pub fn explain(
    op: &CStr,
    inputs: &[&dyn Input],
    outputs: &mut [&mut dyn Output],
) -> Result<Decision> {
    let nin = inputs.len() as u32;
    let mut made = MaybeUninit::<sys::treadle_decision>::uninit();
    let mut status = sys::TREADLE_E_FAILED;
    gather(inputs, outputs, &mut Vec::new(), &mut |args| {
        let nargs = args.len() as u32;
        // SAFETY: nothing behind the operands' data is read or written.
        status = unsafe {
            sys::treadle_explain(
                op.as_ptr(),
                args.as_ptr(),
                nargs,
                nin,
                ptr::null(),
                0,
                made.as_mut_ptr(),
            )
        };
    });
    check(status)?;
    // SAFETY: filled in on success; its texts are the library's.
    unsafe {
        let made = made.assume_init();
        Ok(Decision {
            backend: name(made.backend),
            variant: name(made.variant),
            wanted: made.wanted,
            granted: made.granted,
            cores: made.cores,
            reason: CStr::from_ptr(made.reason.as_ptr()).to_string_lossy().into_owned(),
        })
    }
}

// ---- by name -----------------------------------------------------------------------------------

macro_rules! c_name {
    ($name:ident) => {
        // SAFETY: one zero, at the end.
        unsafe { CStr::from_bytes_with_nul_unchecked(concat!(stringify!($name), "\0").as_bytes()) }
    };
}

macro_rules! unary_ops {
    ($($name:ident: $formula:literal;)+) => {$(
        #[doc = $formula]
        #[inline]
        pub fn $name<X, Out>(x: &X, out: &mut Out) -> Result<Used>
        where
            X: Input + ?Sized,
            Out: Output + ?Sized,
        {
            unary(c_name!($name), x, out)
        }
    )+};
}

macro_rules! binary_ops {
    ($($name:ident: $formula:literal;)+) => {$(
        #[doc = $formula]
        #[inline]
        pub fn $name<X1, X2, Out>(x1: &X1, x2: &X2, out: &mut Out) -> Result<Used>
        where
            X1: Input + ?Sized,
            X2: Input + ?Sized,
            Out: Output + ?Sized,
        {
            binary(c_name!($name), x1, x2, out)
        }
    )+};
}

macro_rules! reductions {
    ($($name:ident: $formula:literal;)+) => {$(
        #[doc = $formula]
        #[inline]
        pub fn $name<X, Out>(x: &X, axes: Option<&[i32]>, out: &mut Out) -> Result<Used>
        where
            X: Input + ?Sized,
            Out: Output + ?Sized,
        {
            reduce(c_name!($name), x, axes, out)
        }
    )+};
}

unary_ops! {
    negative: "`out = -x`";
    abs: "`out = |x|`";
    sqrt: "`out = √x`";
    square: "`out = x * x`";
    copy: "`out = x`";
    cholesky: "The lower factor of a positive definite matrix, or of each of a stack.";
    inv: "The inverse of a matrix, or of each of a stack.";
}

binary_ops! {
    add: "`out = x1 + x2`";
    subtract: "`out = x1 - x2`";
    multiply: "`out = x1 * x2`";
    divide: "`out = x1 / x2`, of floats";
    maximum: "The larger one; NaN if either is NaN.";
    minimum: "The smaller one; NaN if either is NaN.";
    dot: "The product of two vectors, a number.";
    matmul: "The product of two matrices, or of each pair of two stacks.";
    solve: "`x` with `x1 · x = x2`.";
}

reductions! {
    sum: "The sum, added in NumPy's order.";
    prod: "The product.";
    min: "The smallest element; NaN if there is one.";
    max: "The largest element; NaN if there is one.";
    mean: "The mean; float64 for integers.";
}
