// SPDX-License-Identifier: BSD-3-Clause
//! Arrays and views of ndarray, in any layout.
use std::mem::size_of;

use ndarray::{ArrayBase, Data, DataMut, Dimension};
use treadle_sys::treadle_array;

use crate::{operand::with_described, Element, Input, Output};

/// ndarray's strides count elements.
#[inline]
fn axes<'a, T>(
    shape: &'a [usize],
    strides: &'a [isize],
) -> impl ExactSizeIterator<Item = (i64, i64)> + 'a {
    shape
        .iter()
        .zip(strides)
        .map(|(&extent, &stride)| (extent as i64, stride as i64 * size_of::<T>() as i64))
}

// SAFETY (both): ndarray keeps shape and strides within its memory, and apart if it is mutable.
unsafe impl<T, S, D> Input for ArrayBase<S, D>
where
    T: Element,
    S: Data<Elem = T>,
    D: Dimension,
{
    #[inline]
    fn with_array(&self, call: &mut dyn FnMut(&treadle_array)) {
        with_described(self.as_ptr(), axes::<T>(self.shape(), self.strides()), call)
    }
}

unsafe impl<T, S, D> Output for ArrayBase<S, D>
where
    T: Element,
    S: DataMut<Elem = T>,
    D: Dimension,
{
    #[inline]
    fn with_array_mut(&mut self, call: &mut dyn FnMut(&treadle_array)) {
        let data = self.as_mut_ptr();
        with_described(data, axes::<T>(self.shape(), self.strides()), call)
    }
}
