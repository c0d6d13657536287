// SPDX-License-Identifier: BSD-3-Clause
//! Memory with a shape and strides, for programs without ndarray.
use std::{marker::PhantomData, mem::size_of};

use treadle_sys::treadle_array;

use crate::{operand::with_described, Element, Error, Input, Output, Result};

/// A strided array of N axes in borrowed memory.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T, const N: usize> {
    data: *const T,
    axes: [(i64, i64); N],
    memory: PhantomData<&'a [T]>,
}

/// A strided array of N axes in memory borrowed for writing.
#[derive(Debug)]
pub struct ViewMut<'a, T, const N: usize> {
    data: *mut T,
    axes: [(i64, i64); N],
    memory: PhantomData<&'a mut [T]>,
}

// SAFETY: as the slices they borrow.
unsafe impl<T: Sync, const N: usize> Send for View<'_, T, N> {}
unsafe impl<T: Sync, const N: usize> Sync for View<'_, T, N> {}
unsafe impl<T: Send, const N: usize> Send for ViewMut<'_, T, N> {}
unsafe impl<T: Sync, const N: usize> Sync for ViewMut<'_, T, N> {}

fn too_large() -> Error {
    Error::invalid("shape: more elements than an address can count")
}

/// Extent and byte stride of each axis in C order.
fn c_order<T, const N: usize>(shape: [usize; N]) -> Result<[(i64, i64); N]> {
    let mut axes = [(0, 0); N];
    let mut stride = size_of::<T>();
    for i in (0..N).rev() {
        axes[i] = (i64::try_from(shape[i]).map_err(|_| too_large())?, stride as i64);
        stride = stride
            .checked_mul(shape[i])
            .filter(|&s| s <= i64::MAX as usize)
            .ok_or_else(too_large)?;
    }
    Ok(axes)
}

/// The given axes, if every element lies within `length` elements and none between two.
fn within<T, const N: usize>(
    length: usize,
    first: usize,
    shape: [usize; N],
    byte_strides: [isize; N],
) -> Result<[(i64, i64); N]> {
    let mut axes = [(0, 0); N];
    let (mut low, mut high) = (first as i128, first as i128);
    for i in 0..N {
        let (extent, stride) = (shape[i] as i128, byte_strides[i] as i128);
        if stride % size_of::<T>() as i128 != 0 {
            return Err(Error::invalid(format!(
                "byte_strides: {stride}; allowed are multiples of {}",
                size_of::<T>()
            )));
        }
        axes[i] = (i64::try_from(extent).map_err(|_| too_large())?, stride as i64);
        let reach = (extent - 1).max(0) * (stride / size_of::<T>() as i128);
        *(if reach < 0 { &mut low } else { &mut high }) += reach;
    }
    if !shape.contains(&0) && (low < 0 || high >= length as i128) {
        return Err(Error::invalid(format!(
            "first, shape, byte_strides: they lead to elements {low} to {high} of {length}"
        )));
    }
    Ok(axes)
}

/// Whether no two elements share memory: each axis steps over all of the finer ones.
fn apart<T, const N: usize>(mut axes: [(i64, i64); N]) -> bool {
    if axes.iter().any(|axis| axis.0 == 0) {
        return true;
    }
    axes.sort_by_key(|axis| axis.1.unsigned_abs());
    let mut span = size_of::<T>() as u128;
    for (extent, stride) in axes {
        let stride = u128::from(stride.unsigned_abs());
        if extent > 1 && stride < span {
            return false;
        }
        span += (extent as u128 - 1) * stride;
    }
    true
}

fn check_length<T, const N: usize>(length: usize, shape: [usize; N]) -> Result<[(i64, i64); N]> {
    let axes = c_order::<T, N>(shape)?;
    let needed: usize = shape.iter().product();
    if needed != length {
        return Err(Error::invalid(format!(
            "shape: {shape:?} has {needed} elements, data has {length}"
        )));
    }
    Ok(axes)
}

impl<'a, T: Element, const N: usize> View<'a, T, N> {
    /// All of `data` in C order.
    pub fn new(data: &'a [T], shape: [usize; N]) -> Result<Self> {
        let axes = check_length::<T, N>(data.len(), shape)?;
        Ok(View { data: data.as_ptr(), axes, memory: PhantomData })
    }

    /// Some of `data`: `data[first]` is the element with all indices zero. Strides are in bytes and
    /// may be zero or negative.
    pub fn strided(
        data: &'a [T],
        first: usize,
        shape: [usize; N],
        byte_strides: [isize; N],
    ) -> Result<Self> {
        let axes = within::<T, N>(data.len(), first, shape, byte_strides)?;
        Ok(View { data: data.as_ptr().wrapping_add(first), axes, memory: PhantomData })
    }

    /// The axes in reverse order.
    pub fn transposed(mut self) -> Self {
        self.axes.reverse();
        self
    }
}

impl<'a, T: Element, const N: usize> ViewMut<'a, T, N> {
    /// All of `data` in C order.
    pub fn new(data: &'a mut [T], shape: [usize; N]) -> Result<Self> {
        let axes = check_length::<T, N>(data.len(), shape)?;
        Ok(ViewMut { data: data.as_mut_ptr(), axes, memory: PhantomData })
    }

    /// As [`View::strided`]; no two elements may share memory.
    pub fn strided(
        data: &'a mut [T],
        first: usize,
        shape: [usize; N],
        byte_strides: [isize; N],
    ) -> Result<Self> {
        let axes = within::<T, N>(data.len(), first, shape, byte_strides)?;
        if !apart::<T, N>(axes) {
            return Err(Error::invalid(
                "byte_strides: each must step over all of the axes with smaller ones, so that no \
                 two elements share memory",
            ));
        }
        Ok(ViewMut { data: data.as_mut_ptr().wrapping_add(first), axes, memory: PhantomData })
    }

    /// The axes in reverse order.
    pub fn transposed(mut self) -> Self {
        self.axes.reverse();
        self
    }
}

// SAFETY (both): checked when made; the borrow is as long as the view.
unsafe impl<T: Element, const N: usize> Input for View<'_, T, N> {
    #[inline]
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
        with_described(self.data, self.axes.into_iter(), call)
    }
}

unsafe impl<T: Element, const N: usize> Output for ViewMut<'_, T, N> {
    #[inline]
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
        with_described(self.data, self.axes.into_iter(), call)
    }
}
