// SPDX-License-Identifier: BSD-3-Clause
//! The crate without any other: slices, arrays, views.
use std::{ffi::CStr, thread};

use treadle::{ErrorKind, ThreadBackend, View, ViewMut};

fn op(name: &'static str) -> &'static CStr {
    CStr::from_bytes_with_nul(name.as_bytes()).unwrap()
}

#[test]
fn slices_arrays_vectors_and_numbers_are_operands() {
    let (x, y) = ([1.0, 2.0, 3.0], vec![10.0, 20.0, 30.0]);
    let mut out = [0.0; 3];
    let used = treadle::add(&x, &y, &mut out).unwrap();
    assert_eq!(out, [11.0, 22.0, 33.0]);
    assert_eq!((used.threads(), used.backend().is_empty()), (1, false));
    treadle::multiply(&x[1..], &2.0, &mut out[..2]).unwrap();
    assert_eq!(out, [4.0, 6.0, 33.0]);
    let mut total = 0.0;
    treadle::sum(&y, None, &mut total).unwrap();
    assert_eq!(total, 60.0);
    let mut truth = [false; 2];
    treadle::copy(&[true, false], &mut truth).unwrap();
    assert_eq!(truth, [true, false]);
    treadle::add(&[] as &[f64; 0], &[] as &[f64; 0], &mut [] as &mut [f64; 0]).unwrap();
}

#[test]
fn calls_in_place_read_and_write_the_same_memory() {
    let mut x = vec![1_i64, -2, 3];
    treadle::unary_in_place(op("negative\0"), &mut x).unwrap();
    treadle::binary_in_place(op("subtract\0"), &mut x, &[1_i64, 1, 1]).unwrap();
    assert_eq!(x, [-2, 1, -4]);
}

#[test]
fn views_have_a_shape_and_strides_in_bytes() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let wide = View::new(&x, [2, 3]).unwrap();
    let mut columns = [0.0; 3];
    treadle::sum(&wide, Some(&[0]), &mut columns).unwrap();
    assert_eq!(columns, [5.0, 7.0, 9.0]);
    treadle::sum(&wide.transposed(), Some(&[-1]), &mut columns).unwrap();
    assert_eq!(columns, [5.0, 7.0, 9.0]);
    let mut square = [0.0; 4];
    let mut out = ViewMut::new(&mut square, [2, 2]).unwrap();
    treadle::matmul(&wide, &wide.transposed(), &mut out).unwrap();
    assert_eq!(square, [14.0, 32.0, 32.0, 77.0]);

    let backwards = View::strided(&x, 5, [3], [-16]).unwrap();
    let mut memory = [7.0; 7];
    let mut apart = ViewMut::strided(&mut memory, 1, [3], [24]).unwrap_err();
    assert!(apart.to_string().contains("elements 1 to 7 of 7"), "{apart}");
    let mut every_other = ViewMut::strided(&mut memory, 1, [3], [16]).unwrap();
    treadle::copy(&backwards, &mut every_other).unwrap();
    assert_eq!(memory, [7.0, 6.0, 7.0, 4.0, 7.0, 2.0, 7.0]);
    apart = ViewMut::strided(&mut memory, 0, [3, 3], [8, 8]).unwrap_err();
    assert!(apart.to_string().contains("share memory"), "{apart}");
    ViewMut::strided(&mut memory, 0, [2, 3], [24, 8]).unwrap();
    ViewMut::strided(&mut memory, 6, [2, 3], [-8, -16]).unwrap();
    ViewMut::strided(&mut memory, 7, [0, 9], [0, 0]).unwrap();
}

#[test]
fn views_outside_of_their_memory_are_refused() {
    let x = [0.0; 6];
    assert!(View::new(&x, [2, 2]).is_err());
    assert!(View::new(&x, [usize::MAX, 2]).is_err());
    assert!(View::strided(&x, 0, [7], [8]).is_err());
    assert!(View::strided(&x, 0, [2], [-8]).is_err());
    assert!(View::strided(&x, 0, [2], [4]).is_err());
    assert!(View::strided(&x, 0, [usize::MAX], [isize::MIN]).is_err());
    assert!(View::strided(&x, 6, [1], [8]).is_err());
    assert!(View::strided(&x, 2, [100, 2], [0, -8]).is_ok());
}

#[test]
fn any_operation_runs_on_a_list_of_operands() {
    let (x, y) = ([3.0, -1.0], [1.0, 1.0]);
    let mut out = [0.0; 2];
    treadle::run(op("subtract\0"), &[&x, &y], &mut [&mut out], 0).unwrap();
    assert_eq!(out, [2.0, -2.0]);
    let decision = treadle::explain(op("add\0"), &[&x, &y], &mut [&mut out]).unwrap();
    assert_eq!((decision.granted, decision.reason.is_empty()), (1, false));
}

#[test]
fn errors_have_a_kind_and_a_sentence() {
    let (x, mut out) = ([0.0; 3], [7.0; 2]);
    let error = treadle::add(&x, &x, &mut out).unwrap_err();
    assert_eq!((error.kind(), out), (ErrorKind::Invalid, [7.0; 2]));
    assert!(error.to_string().contains("input 1"), "{error}");
    let none = treadle::unary(op("org.test.none\0"), &x, &mut [0.0; 3]).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Unsupported);
    let mixed = treadle::add(&[1_i32, 2], &[1.0, 2.0], &mut out).unwrap_err();
    assert_eq!(mixed.kind(), ErrorKind::Unsupported);
    assert!(treadle::sum(&x, Some(&[1]), &mut 0.0).unwrap_err().to_string().contains("axes"));
    assert!(treadle::sum(&x, Some(&[0; 65]), &mut 0.0).is_err());
    assert!(treadle::set_backend(Some("nonsense")).is_err());
    assert!(treadle::set_backend(Some("zero\0byte")).is_err());
}

#[test]
fn attributes_of_another_operation_are_refused() {
    let x = [1.0; 3];
    assert!(treadle::run(op("sum\0"), &[&x], &mut [&mut 0.0], 1).is_err());
    assert!(treadle::run(op("sum\0"), &[&x], &mut [&mut 0.0], 0).is_err());
    for flags in [0, 1] {
        assert!(treadle::run(op("loop\0"), &[&x], &mut [&mut [0.0; 3]], flags).is_err());
    }
    assert!(treadle::run(op("add\0"), &[&x, &x], &mut [], 0).is_err());
    assert!(treadle::run(op("add\0"), &[], &mut [], 0).is_err());
    assert!(treadle::run(op("add\0"), &[&x as &dyn treadle::Input; 200], &mut [], 0).is_err());
}

#[test]
fn a_thread_chooses_for_itself() {
    let x = vec![1.0; 1_000_000];
    let outer = ThreadBackend::new("auto").unwrap();
    {
        let _inner = ThreadBackend::new("serial").unwrap();
        let mut out = vec![0.0; x.len()];
        let used = treadle::add(&x, &x, &mut out).unwrap();
        assert_eq!((used.backend(), used.threads()), ("serial", 1));
        assert!(out.iter().all(|&sum| sum == 2.0));
        assert!(ThreadBackend::new("nonsense").is_err());
    }
    drop(outer);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut out = vec![0.0; x.len()];
                treadle::multiply(&x, &x, &mut out).unwrap();
                assert!(out.iter().all(|&product| product == 1.0));
            });
        }
    });
}

#[test]
fn the_library_can_be_looked_at() {
    let all = treadle::backends();
    assert_eq!((all[0].name, all[0].path, all[0].reason), ("serial", "(built in)", ""));
    assert!(treadle::version().split('.').count() == 3);
    assert!(treadle::num_threads() >= 1);
}
