// SPDX-License-Identifier: BSD-3-Clause
//! The declarations of `<treadle/treadle.h>` and `<treadle/plugin.h>`, under the same names; all but
//! the flat twins, which are for languages without structs.
//!
//! The headers say the contracts. The crate `treadle` is what programs want; this one is for
//! plugins, and for whoever needs a function that the other does not wrap.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

// ---- status.h ----------------------------------------------------------------------------------

pub const TREADLE_OK: i32 = 0;
pub const TREADLE_E_FAILED: i32 = -1;
pub const TREADLE_E_DECLINED: i32 = -2;
pub const TREADLE_E_INVALID: i32 = -3;
pub const TREADLE_E_NOMEM: i32 = -4;
pub const TREADLE_E_UNSUPPORTED: i32 = -5;
pub const TREADLE_E_NUMERIC: i32 = -6;
pub const TREADLE_E_PLUGIN: i32 = -7;

// ---- array.h -----------------------------------------------------------------------------------

pub const TREADLE_INT: u8 = 0;
pub const TREADLE_UINT: u8 = 1;
pub const TREADLE_FLOAT: u8 = 2;
pub const TREADLE_BFLOAT: u8 = 4;
pub const TREADLE_COMPLEX: u8 = 5;
pub const TREADLE_BOOL: u8 = 6;

pub const TREADLE_READONLY: u32 = 1;
pub const TREADLE_NDIM_MAX: usize = 64;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct treadle_dtype {
    pub code: u8,
    pub bits: u8,
    pub lanes: u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_array {
    pub data: *mut c_void,
    pub shape: *const i64,
    pub strides: *const i64,
    pub ndim: i32,
    pub flags: u32,
    pub dtype: treadle_dtype,
    pub itemsize: u32,
    pub reserved: [u64; 3],
}

// ---- ops.h -------------------------------------------------------------------------------------

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_reduction {
    pub struct_size: u32,
    pub flags: u32,
    pub axes: u64,
}

pub const TREADLE_FULL_MATRICES: u32 = 1;
pub const TREADLE_UPPER: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_linalg {
    pub struct_size: u32,
    pub flags: u32,
}

pub type treadle_loop_fn = Option<
    unsafe extern "C" fn(ctx: *mut c_void, n: i64, ptrs: *mut *mut c_char, strides: *const i64),
>;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_loop {
    pub struct_size: u32,
    pub flags: u32,
    pub r#fn: treadle_loop_fn,
    pub ctx: *mut c_void,
    pub grain: i64,
    pub element_ns: f64,
}

// ---- plugin.h ----------------------------------------------------------------------------------

pub const TREADLE_ABI_MINOR: u32 = 3;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_error {
    pub struct_size: u32,
    pub code: i32,
    pub message: *mut c_char,
    pub capacity: u64,
}

pub type treadle_task_fn = Option<unsafe extern "C" fn(ctx: *mut c_void, task: u32, worker: u32)>;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub ctx: *mut c_void,
    pub name: *const c_char,
    pub version: *const c_char,
    pub alloc: Option<
        unsafe extern "C" fn(host: *const treadle_host, size: u64, align: u64) -> *mut c_void,
    >,
    pub release: Option<unsafe extern "C" fn(host: *const treadle_host, memory: *mut c_void)>,
    pub log:
        Option<unsafe extern "C" fn(host: *const treadle_host, level: i32, line: *const c_char)>,
    pub parallel: Option<
        unsafe extern "C" fn(
            host: *const treadle_host,
            call: *const treadle_call,
            ntasks: u32,
            r#fn: treadle_task_fn,
            ctx: *mut c_void,
        ) -> i32,
    >,
    pub threads_now:
        Option<unsafe extern "C" fn(host: *const treadle_host, call: *const treadle_call) -> u32>,
    pub get_service:
        Option<unsafe extern "C" fn(host: *const treadle_host, id: *const c_char) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_query {
    pub struct_size: u32,
    pub flags: u32,
    pub op: *const c_char,
    pub dtypes: *const treadle_dtype,
    pub ntypes: u32,
    pub nin: u32,
}

pub const TREADLE_KERNEL_EXACT: u32 = 1;
pub const TREADLE_KERNEL_PROCESS_THREADS: u32 = 2;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_kernel {
    pub struct_size: u32,
    pub flags: u32,
    pub run: Option<unsafe extern "C" fn(call: *mut treadle_call) -> i32>,
    pub kernel: *const c_void,
    pub variant: *const c_char,
    pub threads_useful: u32,
    pub reserved: u32,
}

pub const TREADLE_CALL_STREAM: u32 = 1;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_call {
    pub struct_size: u32,
    pub flags: u32,
    pub host: *const treadle_host,
    pub state: *mut c_void,
    pub kernel: *const c_void,
    pub args: *const treadle_array,
    pub nargs: u32,
    pub nin: u32,
    pub attrs: *const c_void,
    pub threads_max: u32,
    pub threads_used: u32,
    pub error: *mut treadle_error,
}

pub const TREADLE_PLUGIN_FORK_SAFE: u64 = 1;
pub const TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT: u32 = 48;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_plugin {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub flags: u64,
    pub id: *const c_char,
    pub version: *const c_char,
    pub vendor: *const c_char,
    pub cpu_required: *const c_char,
    pub create: Option<
        unsafe extern "C" fn(
            host: *const treadle_host,
            options: *const c_char,
            state: *mut *mut c_void,
            error: *mut treadle_error,
        ) -> i32,
    >,
    pub destroy: Option<unsafe extern "C" fn(state: *mut c_void)>,
    pub find_kernel: Option<
        unsafe extern "C" fn(
            state: *mut c_void,
            query: *const treadle_query,
            kernel: *mut treadle_kernel,
        ) -> i32,
    >,
    pub list_kernel:
        Option<unsafe extern "C" fn(state: *mut c_void, i: u32, query: *mut treadle_query) -> i32>,
    pub after_fork_child: Option<unsafe extern "C" fn(state: *mut c_void) -> i32>,
    pub get_extension:
        Option<unsafe extern "C" fn(state: *mut c_void, id: *const c_char) -> *const c_void>,
}

// SAFETY: a table is constant; its texts and functions are for any thread.
unsafe impl Sync for treadle_plugin {}

pub type treadle_plugin_fn = Option<unsafe extern "C" fn() -> *const treadle_plugin>;
pub type treadle_routine_fn = Option<unsafe extern "C" fn()>;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_routines {
    pub struct_size: u32,
    pub flags: u32,
    pub find: Option<
        unsafe extern "C" fn(
            state: *mut c_void,
            name: *const c_char,
            int_bits: u32,
        ) -> treadle_routine_fn,
    >,
    pub enter: Option<unsafe extern "C" fn(call: *mut treadle_call)>,
    pub leave: Option<unsafe extern "C" fn(call: *mut treadle_call)>,
    pub adapt: Option<unsafe extern "C" fn(state: *mut c_void)>,
}

pub type treadle_member_fn = Option<unsafe extern "C" fn(ctx: *mut c_void, member: u32, team: u32)>;

#[repr(C)]
#[derive(Debug)]
pub struct treadle_team {
    pub struct_size: u32,
    pub flags: u32,
    pub run: Option<
        unsafe extern "C" fn(
            host: *const treadle_host,
            call: *const treadle_call,
            threads: u32,
            r#fn: treadle_member_fn,
            ctx: *mut c_void,
        ) -> u32,
    >,
}

#[repr(C)]
#[derive(Debug)]
pub struct treadle_cores {
    pub struct_size: u32,
    pub flags: u32,
    pub retake:
        Option<unsafe extern "C" fn(host: *const treadle_host, call: *const treadle_call) -> u32>,
}

// ---- treadle.h ---------------------------------------------------------------------------------

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_used {
    pub backend: *const c_char,
    pub variant: *const c_char,
    pub threads: u32,
    pub fallbacks: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_dlpack {
    pub array: treadle_array,
    pub strides: [i64; TREADLE_NDIM_MAX],
}

#[repr(C)]
#[derive(Debug)]
pub struct treadle_routine_call {
    pub r#fn: treadle_routine_fn,
    pub reserved: [u64; 31],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_backend_info {
    pub name: *const c_char,
    pub path: *const c_char,
    pub version: *const c_char,
    pub vendor: *const c_char,
    pub reason: *const c_char,
    pub flags: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_decision {
    pub backend: *const c_char,
    pub variant: *const c_char,
    pub wanted: u32,
    pub granted: u32,
    pub callers: u32,
    pub cores: u32,
    pub elements: f64,
    pub limit: f64,
    pub reason: [c_char; 256],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_statistic {
    pub op: *const c_char,
    pub backend: *const c_char,
    pub calls: u64,
    pub nanoseconds: u64,
    pub fallbacks: u64,
    pub threads_most: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_budget_info {
    pub mode: *const c_char,
    pub asked: *const c_char,
    pub reason: [c_char; 256],
    pub cores: u32,
    pub left: u32,
    pub quota: f64,
    pub processes: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_profile_info {
    pub state: *const c_char,
    pub path: [c_char; 1024],
    pub reason: [c_char; 256],
    pub machine: [c_char; 256],
    pub costs: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_process {
    pub pid: i32,
    pub is_here: u32,
    pub command: [c_char; 16],
    pub cores: u32,
    pub share: u32,
    pub callers: u32,
    pub held: u32,
    pub wanted: u32,
    pub reserved: u32,
    pub calls: u64,
    pub core_ns: u64,
}

pub const TREADLE_RECENT_CALLS: u32 = 256;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct treadle_recent_call {
    pub op: *const c_char,
    pub backend: *const c_char,
    pub variant: *const c_char,
    pub reason: *const c_char,
    pub elements: f64,
    pub begin_ns: i64,
    pub end_ns: i64,
    pub wanted: u32,
    pub granted: u32,
    pub threads: u32,
    pub callers: u32,
    pub cores: u32,
    pub thread: i32,
}

#[cfg(feature = "link")]
extern "C" {
    pub fn treadle_run(
        op: *const c_char,
        args: *const treadle_array,
        nargs: u32,
        nin: u32,
        attrs: *const c_void,
        used: *mut treadle_used,
    ) -> i32;
    pub fn treadle_unary(
        op: *const c_char,
        x: *const treadle_array,
        out: *const treadle_array,
        used: *mut treadle_used,
    ) -> i32;
    pub fn treadle_binary(
        op: *const c_char,
        x1: *const treadle_array,
        x2: *const treadle_array,
        out: *const treadle_array,
        used: *mut treadle_used,
    ) -> i32;
    pub fn treadle_reduce(
        op: *const c_char,
        x: *const treadle_array,
        axes: *const i32,
        naxes: i32,
        out: *const treadle_array,
        used: *mut treadle_used,
    ) -> i32;

    pub fn treadle_from_dlpack(
        managed: *const c_void,
        versioned: i32,
        dlpack: *mut treadle_dlpack,
    ) -> i32;

    pub fn treadle_routine_begin(
        call: *mut treadle_routine_call,
        name: *const c_char,
        int_bits: u32,
        flops: f64,
        fallback: treadle_routine_fn,
    ) -> i32;
    pub fn treadle_product_begin(
        call: *mut treadle_routine_call,
        name: *const c_char,
        int_bits: u32,
        flops: f64,
        side: f64,
        fallback: treadle_routine_fn,
    ) -> i32;
    pub fn treadle_routine_end(call: *mut treadle_routine_call);
    pub fn treadle_watch_fork();

    pub fn treadle_init() -> i32;
    pub fn treadle_reload_env() -> i32;
    pub fn treadle_set_backend(spec: *const c_char) -> i32;
    pub fn treadle_set_thread_backend(spec: *const c_char) -> i32;
    pub fn treadle_get_backend() -> *const c_char;
    pub fn treadle_set_num_threads(threads: i32) -> i32;
    pub fn treadle_get_num_threads() -> i32;
    pub fn treadle_set_min(elements: i64) -> i32;
    pub fn treadle_stream_bytes() -> u64;

    pub fn treadle_version() -> *const c_char;
    pub fn treadle_last_error() -> *const c_char;
    pub fn treadle_backend_count() -> u32;
    pub fn treadle_backend_info(i: u32, info: *mut treadle_backend_info) -> i32;
    pub fn treadle_backend_op(i: u32, k: u32, op: *mut treadle_query) -> i32;
    pub fn treadle_load(path: *const c_char) -> i32;
    pub fn treadle_register(plugin: treadle_plugin_fn) -> i32;
    pub fn treadle_explain(
        op: *const c_char,
        args: *const treadle_array,
        nargs: u32,
        nin: u32,
        attrs: *const c_void,
        callers: u32,
        decision: *mut treadle_decision,
    ) -> i32;
    pub fn treadle_explain_routine(
        name: *const c_char,
        int_bits: u32,
        flops: f64,
        callers: u32,
        decision: *mut treadle_decision,
    ) -> i32;
    pub fn treadle_explain_product(
        name: *const c_char,
        int_bits: u32,
        flops: f64,
        side: f64,
        callers: u32,
        decision: *mut treadle_decision,
    ) -> i32;
    pub fn treadle_budget_info(info: *mut treadle_budget_info) -> i32;
    pub fn treadle_profile_info(info: *mut treadle_profile_info) -> i32;
    pub fn treadle_processes(list: *mut treadle_process, capacity: u32) -> i32;
    pub fn treadle_recent_calls(list: *mut treadle_recent_call, capacity: u32) -> u32;
    pub fn treadle_ab_save(path: *const c_char) -> i32;
    pub fn treadle_set_budget(mode: *const c_char) -> i32;
    pub fn treadle_get_budget() -> *const c_char;
    pub fn treadle_routines_hold(call: *mut treadle_routine_call) -> i32;
    pub fn treadle_routines_release(call: *mut treadle_routine_call);
    pub fn treadle_statistic(i: u32, statistic: *mut treadle_statistic) -> i32;
    pub fn treadle_reset_statistics();
}
