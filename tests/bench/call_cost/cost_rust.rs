// SPDX-License-Identifier: BSD-3-Clause
//! Nanoseconds of one tiny call through the crate.
use std::time::Instant;

fn main() -> Result<(), treadle::Error> {
    const CALLS: u32 = 300_000;
    let (x, y, mut out) = (vec![1.0; 8], vec![2.0; 8], vec![0.0; 8]);
    treadle::add(&x, &y, &mut out)?;
    let start = Instant::now();
    for _ in 0..CALLS {
        treadle::add(&x, &y, &mut out)?;
    }
    println!("{:.2}", start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    Ok(())
}
