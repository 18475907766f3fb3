// SPDX-License-Identifier: GPL-3.0-or-later
// As values.c, in Rust.
struct Point {
    x: i32,
    y: f64,
}

#[inline(never)]
fn area(point: &Point, factor: i64, name: &str, values: &Vec<u32>) -> f64 {
    let total: u32 = values.iter().sum();
    let area = f64::from(point.x) * point.y + factor as f64;
    println!("{} {}", name, total); // AREA
    area
}

fn main() {
    let values = vec![1, 2, 3];
    let point = Point { x: 3, y: 1.5 };
    println!("{}", area(&point, 7, "name", &values)); // MAIN
}
