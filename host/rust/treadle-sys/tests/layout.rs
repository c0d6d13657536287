// SPDX-License-Identifier: BSD-3-Clause
//! Offsets and sizes here against those that the C compiler found, tests/abi/layout.lock.
use std::{collections::BTreeMap, env, fs, mem::MaybeUninit, path::Path};

use treadle_sys::*;

/// Struct and member; offset and size.
type Member<'a> = (&'a str, &'a str);
type Place = (usize, usize);
type Found = BTreeMap<Member<'static>, Place>;

fn size_behind<T>(_: *const T) -> usize {
    std::mem::size_of::<T>()
}

macro_rules! members {
    ($found:ident, $name:ident: $($member:ident),*) => {{
        let room = MaybeUninit::<$name>::uninit();
        let base = room.as_ptr();
        // SAFETY: only the addresses of members are taken.
        $(let at = unsafe { std::ptr::addr_of!((*base).$member) };
        $found.insert(
            (stringify!($name), stringify!($member).trim_start_matches("r#")),
            (at as usize - base as usize, size_behind(at)),
        );)*
    }};
}

fn ours() -> Found {
    let mut found = Found::new();
    members!(found, treadle_dtype: code, bits, lanes);
    members!(found, treadle_array: data, shape, strides, ndim, flags, dtype, itemsize, reserved);
    members!(found, treadle_reduction: struct_size, flags, axes);
    members!(found, treadle_linalg: struct_size, flags);
    members!(found, treadle_loop: struct_size, flags, r#fn, ctx, grain, element_ns);
    members!(found, treadle_error: struct_size, code, message, capacity);
    members!(found, treadle_host: struct_size, abi_minor, ctx, name, version, alloc, release, log,
        parallel, threads_now, get_service);
    members!(found, treadle_query: struct_size, flags, op, dtypes, ntypes, nin);
    members!(found, treadle_kernel: struct_size, flags, run, kernel, variant, threads_useful,
        reserved);
    members!(found, treadle_call: struct_size, flags, host, state, kernel, args, nargs, nin, attrs,
        threads_max, threads_used, error);
    members!(found, treadle_plugin: struct_size, abi_minor, flags, id, version, vendor,
        cpu_required, create, destroy, find_kernel, list_kernel, after_fork_child, get_extension);
    members!(found, treadle_routines: struct_size, flags, find, enter, leave, adapt);
    members!(found, treadle_team: struct_size, flags, run);
    members!(found, treadle_cores: struct_size, flags, retake);
    members!(found, treadle_used: backend, variant, threads, fallbacks);
    members!(found, treadle_dlpack: array, strides);
    members!(found, treadle_routine_call: r#fn, reserved);
    members!(found, treadle_backend_info: name, path, version, vendor, reason, flags);
    members!(found, treadle_decision: backend, variant, wanted, granted, callers, cores, elements,
        limit, reason);
    members!(found, treadle_budget_info: mode, asked, reason, cores, left, quota, processes,
        reserved);
    members!(found, treadle_profile_info: state, path, reason, machine, costs, reserved);
    members!(found, treadle_process: pid, is_here, command, cores, share, callers, held, wanted,
        reserved, calls, core_ns);
    members!(found, treadle_recent_call: op, backend, variant, reason, elements, begin_ns, end_ns,
        wanted, granted, threads, callers, cores, thread);
    members!(found, treadle_statistic: op, backend, calls, nanoseconds, fallbacks, threads_most,
        reserved);
    found
}

/// "struct treadle_dtype . bits at 1, 1 bytes: uint8_t bits"
fn parse(line: &str) -> Option<(Member<'_>, Place)> {
    let (left, right) = line.strip_prefix("struct ")?.split_once(" at ")?;
    let (name, member) = left.split_once(" . ")?;
    let (offset, rest) = right.split_once(", ")?;
    let size = rest.split_once(' ')?.0;
    Some(((name, member), (offset.parse().ok()?, size.parse().ok()?)))
}

#[test]
fn every_struct_is_as_the_c_compiler_lays_it_out() {
    // Without cargo the file is named by whoever runs the test.
    let path = env::var("TREADLE_LAYOUT_LOCK").unwrap_or_else(|_| {
        let here = option_env!("CARGO_MANIFEST_DIR").unwrap_or(".");
        Path::new(here).join("../../../tests/abi/layout.lock").display().to_string()
    });
    let text = fs::read_to_string(&path).expect(&path);
    let locked: BTreeMap<_, _> = text.lines().filter_map(parse).collect();
    assert!(locked.len() > 80, "{path} says too little");
    let ours = ours();
    for (member, place) in &locked {
        assert_eq!(ours.get(member), Some(place), "{member:?}");
    }
    assert_eq!(ours.len(), locked.len());
}
