// SPDX-License-Identifier: BSD-3-Clause
//! ndarray's arrays and views, in any layout, against ndarray's own arithmetic.
#![cfg(feature = "ndarray")]
use ndarray::{arr0, s, Array, Array1, Array2, ArrayD, Axis, Ix3, IxDyn, ShapeBuilder};
use num_complex::Complex;

fn counted(shape: (usize, usize)) -> Array2<f64> {
    Array2::from_shape_fn(shape, |(i, j)| (i * shape.1 + j) as f64)
}

#[test]
fn views_of_any_layout_are_read_and_written_in_place() {
    let x = counted((4, 6));
    let mut out = Array2::from_elem((6, 4).f(), f64::NAN);
    treadle::add(&x.t(), &x.slice(s![..;-1, ..]).t(), &mut out.slice_mut(s![.., ..])).unwrap();
    assert_eq!(out, &x.t() + &x.slice(s![..;-1, ..]).t());

    let mut memory = counted((5, 8));
    let mut expected = memory.clone();
    expected.slice_mut(s![1..4;2, ..;-3]).mapv_inplace(|v| v * v);
    let part = memory.slice(s![1..4;2, ..;-3]).to_owned();
    treadle::square(&part, &mut memory.slice_mut(s![1..4;2, ..;-3])).unwrap();
    assert_eq!(memory, expected);
}

#[test]
fn inputs_are_broadcast() {
    let x = counted((3, 4));
    let row = Array1::from(vec![1.0, 2.0, 3.0, 4.0]);
    let mut out = Array2::<f64>::zeros((3, 4));
    treadle::subtract(&x, &row, &mut out).unwrap();
    assert_eq!(out, &x - &row);
    treadle::maximum(&x, &row.broadcast((3, 4)).unwrap(), &mut out).unwrap();
    assert_eq!(out[[0, 0]], 1.0);
}

#[test]
fn reductions_and_products_fit_together() {
    let x = counted((3, 5));
    let mut columns = Array1::<f64>::zeros(5);
    treadle::sum(&x, Some(&[0]), &mut columns).unwrap();
    assert_eq!(columns, x.sum_axis(Axis(0)));
    let mut total = arr0(0.0);
    treadle::sum(&x, None, &mut total).unwrap();
    assert_eq!(total.into_scalar(), x.sum());
    let mut square = Array2::<f64>::zeros((3, 3));
    treadle::matmul(&x, &x.t(), &mut square).unwrap();
    assert_eq!(square, x.dot(&x.t()));
}

#[test]
fn dynamic_ranks_and_complex_numbers_work() {
    let shape = IxDyn(&[2, 1, 3, 2]);
    let x = ArrayD::<f32>::from_elem(shape.clone(), 4.0);
    let mut out = ArrayD::<f32>::zeros(shape);
    treadle::sqrt(&x, &mut out).unwrap();
    assert!(out.iter().all(|&root| root == 2.0));
    let empty = Array::<f64, Ix3>::zeros((2, 0, 3));
    treadle::copy(&empty, &mut empty.clone()).unwrap();
    let turn = Array1::from(vec![Complex::new(0.0, 1.0), Complex::new(2.0, 0.0)]);
    let mut product = Complex::new(0.0, 0.0);
    treadle::dot(&turn, &turn, &mut product).unwrap();
    assert_eq!(product, Complex::new(3.0, 0.0));
}

#[test]
fn linear_algebra_agrees_where_a_backend_has_it() {
    if !treadle::backends().iter().any(|b| b.name == "blis" && b.reason.is_empty()) {
        return;
    }
    let a = Array2::from_shape_vec((2, 2), vec![3.0, 0.0, 4.0, 5.0]).unwrap();
    let (mut u, mut s, mut vh) =
        (Array2::<f64>::zeros((2, 2)), Array1::<f64>::zeros(2), Array2::<f64>::zeros((2, 2)));
    let svd = std::ffi::CStr::from_bytes_with_nul(b"svd\0").unwrap();
    treadle::run(svd, &[&a.view()], &mut [&mut u, &mut s, &mut vh], 0).unwrap();
    let back = u.dot(&Array2::from_diag(&s)).dot(&vh);
    assert!(back.iter().zip(&a).all(|(x, y): (&f64, _)| (x - y).abs() < 1e-12));
}

#[test]
fn too_many_axes_are_refused() {
    let x = ArrayD::<f64>::zeros(IxDyn(&[1; 70]));
    let error = treadle::copy(&x, &mut x.clone()).unwrap_err();
    assert!(error.to_string().contains("0 to 64"), "{error}");
}
