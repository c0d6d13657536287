// SPDX-License-Identifier: BSD-3-Clause
//! Choosing backends and threads, and looking at them.
use std::{cell::RefCell, ffi::CString, marker::PhantomData, mem::MaybeUninit, ptr};

use treadle_sys as sys;

use crate::{error::check, ops::name, Error, Result};

fn c_text(spec: &str) -> Result<CString> {
    CString::new(spec).map_err(|_| Error::invalid("spec: a zero byte; allowed is text without"))
}

/// Set the backends of all threads: "auto", a name, an ordered list "blis,openmp", or
/// "matmul=blis;add=openmp;auto" per operation. `None` goes back to `TREADLE_BACKEND`.
pub fn set_backend(spec: Option<&str>) -> Result<()> {
    let text = spec.map(c_text).transpose()?;
    // SAFETY: the text is not kept.
    check(unsafe { sys::treadle_set_backend(text.as_ref().map_or(ptr::null(), |t| t.as_ptr())) })
}

thread_local! {
    static CHOICES: RefCell<Vec<CString>> = const { RefCell::new(Vec::new()) };
}

/// Chooses backends for the calling thread until it is dropped; they nest, and are dropped in
/// reverse order.
#[must_use = "the choice ends when this is dropped"]
#[derive(Debug)]
pub struct ThreadBackend {
    stays_on_its_thread: PhantomData<*const ()>,
}

impl ThreadBackend {
    pub fn new(spec: &str) -> Result<Self> {
        let text = c_text(spec)?;
        // SAFETY: the text is not kept.
        check(unsafe { sys::treadle_set_thread_backend(text.as_ptr()) })?;
        CHOICES.with(|choices| choices.borrow_mut().push(text));
        Ok(ThreadBackend { stays_on_its_thread: PhantomData })
    }
}

impl Drop for ThreadBackend {
    fn drop(&mut self) {
        CHOICES.with(|choices| {
            let mut choices = choices.borrow_mut();
            choices.pop();
            let outer = choices.last().map_or(ptr::null(), |text| text.as_ptr());
            // SAFETY: the text is not kept. It was accepted before.
            unsafe { sys::treadle_set_thread_backend(outer) };
        });
    }
}

/// Cores that may be used: affinity, cgroup quota, the variables, [`set_num_threads`].
pub fn num_threads() -> i32 {
    // SAFETY: no arguments.
    unsafe { sys::treadle_get_num_threads() }
}

/// Most threads a call may use; 0 goes back to the limits of environment and machine.
pub fn set_num_threads(threads: i32) -> Result<()> {
    // SAFETY: a number.
    check(unsafe { sys::treadle_set_num_threads(threads) })
}

/// Version of the library, "0.1.0".
pub fn version() -> &'static str {
    // SAFETY: the library's text.
    unsafe { name(sys::treadle_version()) }
}

/// A plugin that was found.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    pub name: &'static str,
    /// "(built in)" for serial.
    pub path: &'static str,
    pub version: &'static str,
    pub vendor: &'static str,
    /// Why it can't be used; "" if it can.
    pub reason: &'static str,
}

/// All plugins that were found, also those that can't be used.
pub fn backends() -> Vec<Backend> {
    // SAFETY: no arguments.
    let count = unsafe { sys::treadle_backend_count() };
    (0..count).filter_map(backend).collect()
}

fn backend(i: u32) -> Option<Backend> {
    let mut info = MaybeUninit::<sys::treadle_backend_info>::uninit();
    // SAFETY: filled in on success; the texts are the library's.
    unsafe {
        check(sys::treadle_backend_info(i, info.as_mut_ptr())).ok()?;
        let info = info.assume_init();
        Some(Backend {
            name: name(info.name),
            path: name(info.path),
            version: name(info.version),
            vendor: name(info.vendor),
            reason: name(info.reason),
        })
    }
}
