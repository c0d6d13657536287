// SPDX-License-Identifier: BSD-3-Clause
//! The plugin written in Rust, found and called through libtreadle.
use std::ffi::CStr;

fn main() {
    let found = treadle::backends().into_iter().find(|backend| backend.name == "rust");
    let found = found.expect("the plugin is not in TREADLE_PLUGIN_PATH");
    assert_eq!(found.reason, "");
    let hypot = CStr::from_bytes_with_nul(b"org.example.hypot\0").unwrap();
    let mut out = [0.0; 3];
    let used = treadle::binary(hypot, &[3.0, 5.0, 0.0], &[4.0, 12.0, -2.0], &mut out).unwrap();
    assert_eq!((out, used.backend(), used.variant()), ([5.0, 13.0, 2.0], "rust", "rust"));
    let refused = treadle::binary(hypot, &[3.0_f32], &[4.0_f32], &mut [0.0_f32]).unwrap_err();
    assert_eq!(refused.kind(), treadle::ErrorKind::Unsupported);
}
