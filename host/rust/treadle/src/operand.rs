// SPDX-License-Identifier: BSD-3-Clause
//! What can be handed to a call.
use std::mem::{size_of, MaybeUninit};

use treadle_sys::{treadle_array, TREADLE_NDIM_MAX};

use crate::Element;

/// What can be read as an array.
///
/// # Safety
///
/// During `call` the array describes memory that may be read and that nobody writes. It is given
/// to `call` exactly once.
pub unsafe trait Input {
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array));
}

/// What can be written as an array.
///
/// # Safety
///
/// During `call` the array describes memory that only this borrow reaches, without two elements in
/// one place. It is given to `call` exactly once.
pub unsafe trait Output {
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array));
}

/// Describe memory to the library: `axes` gives each axis' extent and stride in bytes, `data` is
/// the element with all indices zero. For those who implement [`Input`] and [`Output`]: the types
/// say which memory is written, so nothing needs to be marked as read-only.
#[inline(always)]
pub fn with_described<T: Element>(
    data: *const T,
    axes: impl ExactSizeIterator<Item = (i64, i64)>,
    call: &mut dyn FnMut(&treadle_array),
) {
    // Filled in as far as there are axes. The library refuses more than there is room for.
    let mut shape = [MaybeUninit::<i64>::uninit(); TREADLE_NDIM_MAX];
    let mut strides = [MaybeUninit::<i64>::uninit(); TREADLE_NDIM_MAX];
    let ndim = i32::try_from(axes.len()).unwrap_or(i32::MAX);
    for (i, (extent, stride)) in axes.take(TREADLE_NDIM_MAX).enumerate() {
        shape[i].write(extent);
        strides[i].write(stride);
    }
    call(&treadle_array {
        data: data as *mut _,
        shape: shape.as_ptr().cast(),
        strides: strides.as_ptr().cast(),
        ndim,
        flags: 0,
        dtype: T::DTYPE,
        itemsize: size_of::<T>() as u32,
        reserved: [0; 3],
    });
}

fn row<T>(items: &[T]) -> [(i64, i64); 1] {
    [(items.len() as i64, size_of::<T>() as i64)]
}

// SAFETY (all below): the borrow is as long as the call; a slice is one axis without holes.
unsafe impl<T: Element> Input for [T] {
    #[inline]
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
        with_described(self.as_ptr(), row(self).into_iter(), call)
    }
}

unsafe impl<T: Element> Output for [T] {
    #[inline]
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
        with_described(self.as_mut_ptr(), row(self).into_iter(), call)
    }
}

unsafe impl<T: Element, const N: usize> Input for [T; N] {
    #[inline]
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
        self.as_slice().with_array(call)
    }
}

unsafe impl<T: Element, const N: usize> Output for [T; N] {
    #[inline]
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
        self.as_mut_slice().with_array_mut(call)
    }
}

unsafe impl<T: Element> Input for Vec<T> {
    #[inline]
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
        self.as_slice().with_array(call)
    }
}

unsafe impl<T: Element> Output for Vec<T> {
    #[inline]
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
        self.as_mut_slice().with_array_mut(call)
    }
}

/// One number, without axes.
macro_rules! numbers {
    ($($number:ty),+) => {$(
        unsafe impl Input for $number {
            #[inline]
            fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
                with_described(self, [].into_iter(), call)
            }
        }

        unsafe impl Output for $number {
            #[inline]
            fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
                with_described(self, [].into_iter(), call)
            }
        }
    )+};
}

numbers!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
#[cfg(feature = "num-complex")]
numbers!(num_complex::Complex<f32>, num_complex::Complex<f64>);
