// SPDX-License-Identifier: BSD-3-Clause
//! Where libtreadle is: TREADLE_LIB_DIR, else what pkg-config says. The folder becomes part of the
//! program's search path unless it is one of the system's; DEP_TREADLE_LIBDIR tells other build
//! scripts.
use std::{env, process::Command};

fn from_pkg_config() -> String {
    let asked = Command::new(env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into()))
        .args(["--variable=libdir", "treadle >= 0.1"])
        .output();
    match asked {
        Ok(answer) if answer.status.success() && !answer.stdout.is_empty() => {
            String::from_utf8_lossy(&answer.stdout).trim().to_owned()
        }
        _ => panic!(
            "libtreadle 0.1 was not found: set PKG_CONFIG_PATH to the folder of treadle.pc, \
             or TREADLE_LIB_DIR to that of libtreadle.so"
        ),
    }
}

fn main() {
    println!("cargo:rerun-if-env-changed=TREADLE_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if env::var_os("CARGO_FEATURE_LINK").is_none() {
        return;
    }
    let folder = env::var("TREADLE_LIB_DIR").unwrap_or_else(|_| from_pkg_config());
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=dylib=treadle");
    println!("cargo:libdir={folder}");
}
