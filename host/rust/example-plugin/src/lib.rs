// SPDX-License-Identifier: BSD-3-Clause
//! A whole backend: one operation, org.example.hypot, out = sqrt(x * x + y * y) for f64. The twin
//! of plugins/template/hypot.c, which explains the table. Copy it, change the operation, its types
//! and `hypot_row`, and pick an id of your own.
use std::{
    ffi::CStr,
    mem::size_of,
    os::raw::{c_char, c_void},
    panic::{catch_unwind, AssertUnwindSafe},
    ptr, slice,
};

use treadle_sys::*;

const OP: &[u8] = b"org.example.hypot\0";
const F64: treadle_dtype = treadle_dtype { code: TREADLE_FLOAT, bits: 64, lanes: 1 };
static TYPES: [treadle_dtype; 3] = [F64; 3];

const fn text(bytes: &'static [u8]) -> *const c_char {
    bytes.as_ptr().cast()
}

// ---- the arithmetic ----------------------------------------------------------------------------

/// An operand at some of its axes: where it is, and the strides of the axes left.
#[derive(Clone, Copy)]
struct At<'a> {
    data: *mut u8,
    strides: &'a [i64],
}

impl<'a> At<'a> {
    /// SAFETY: the array is one that the host handed to run().
    unsafe fn start(array: &'a treadle_array) -> Self {
        At { data: array.data.cast(), strides: axes(array.strides, array.ndim) }
    }

    /// Element i of the first axis left.
    fn step(self, i: i64) -> Self {
        At {
            data: self.data.wrapping_offset((i * self.strides[0]) as isize),
            strides: &self.strides[1..],
        }
    }
}

unsafe fn axes<'a>(numbers: *const i64, ndim: i32) -> &'a [i64] {
    if ndim == 0 {
        &[]
    } else {
        slice::from_raw_parts(numbers, ndim as usize)
    }
}

/// SAFETY: `shape` is the operands', all of which are f64, aligned or not.
unsafe fn hypot(shape: &[i64], x: At, y: At, out: At) {
    match shape.split_first() {
        Some((&extent, rest)) => {
            for i in 0..extent {
                hypot(rest, x.step(i), y.step(i), out.step(i));
            }
        }
        None => {
            let (a, b) =
                (x.data.cast::<f64>().read_unaligned(), y.data.cast::<f64>().read_unaligned());
            out.data.cast::<f64>().write_unaligned(a.hypot(b));
        }
    }
}

/// The host knows nothing of this op: operands come as the user gave them. Declining is safe.
unsafe extern "C" fn run(call: *mut treadle_call) -> i32 {
    // A panic must not leave through the host.
    catch_unwind(AssertUnwindSafe(|| {
        let call = &mut *call;
        let args = slice::from_raw_parts(call.args, 3);
        let shape = axes(args[2].shape, args[2].ndim);
        if args[..2].iter().any(|input| axes(input.shape, input.ndim) != shape) {
            return TREADLE_E_DECLINED;
        }
        hypot(shape, At::start(&args[0]), At::start(&args[1]), At::start(&args[2]));
        call.threads_used = 1; // never more than call.threads_max
        TREADLE_OK
    }))
    .unwrap_or(TREADLE_E_FAILED)
}

// ---- the table ---------------------------------------------------------------------------------

unsafe extern "C" fn create(
    _host: *const treadle_host,
    _options: *const c_char,
    state: *mut *mut c_void,
    _error: *mut treadle_error,
) -> i32 {
    *state = ptr::null_mut();
    TREADLE_OK
}

unsafe extern "C" fn destroy(_state: *mut c_void) {}

unsafe extern "C" fn find_kernel(
    _state: *mut c_void,
    query: *const treadle_query,
    kernel: *mut treadle_kernel,
) -> i32 {
    let (query, kernel) = (&*query, &mut *kernel);
    if CStr::from_ptr(query.op).to_bytes_with_nul() != OP || query.nin != 2 || query.ntypes != 3 {
        return TREADLE_E_DECLINED;
    }
    if slice::from_raw_parts(query.dtypes, 3) != TYPES {
        return TREADLE_E_DECLINED;
    }
    kernel.run = Some(run);
    kernel.variant = text(b"rust\0");
    kernel.threads_useful = 1;
    TREADLE_OK
}

unsafe extern "C" fn list_kernel(_state: *mut c_void, i: u32, query: *mut treadle_query) -> i32 {
    if i > 0 {
        return TREADLE_E_DECLINED;
    }
    let query = &mut *query;
    query.op = text(OP);
    query.dtypes = TYPES.as_ptr();
    query.ntypes = 3;
    query.nin = 2;
    TREADLE_OK
}

unsafe extern "C" fn after_fork_child(_state: *mut c_void) -> i32 {
    TREADLE_OK
}

static PLUGIN: treadle_plugin = treadle_plugin {
    struct_size: size_of::<treadle_plugin>() as u32,
    abi_minor: TREADLE_ABI_MINOR,
    flags: TREADLE_PLUGIN_FORK_SAFE, // no threads, no locks
    id: text(b"rust\0"),
    version: text(b"0.1.0\0"),
    vendor: text(b"example.org\0"),
    cpu_required: text(b"\0"),
    create: Some(create),
    destroy: Some(destroy),
    find_kernel: Some(find_kernel),
    list_kernel: Some(list_kernel),
    after_fork_child: Some(after_fork_child),
    get_extension: None,
};

#[no_mangle]
pub extern "C" fn treadle_plugin_v1() -> *const treadle_plugin {
    &PLUGIN
}
