// SPDX-License-Identifier: BSD-3-Clause
//! Tests and examples of this crate find libtreadle where treadle-sys found it.
fn main() {
    if let Ok(folder) = std::env::var("DEP_TREADLE_LIBDIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
