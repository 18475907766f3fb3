;; SPDX-License-Identifier: GPL-3.0-or-later
;; Imports functions of the instance made of run.wat, and what belongs to it.
(module
  (import "run" "fib" (func $fib (param i32) (result i32)))
  (import "run" "load" (func $load (param i32) (result i32)))
  (import "run" "swap" (func $swap (param i32 f64) (result f64 i32)))
  (import "run" "runaway" (func $runaway (param i32) (result i32)))
  (memory 2)
  (func (export "twice") (param $n i32) (result i32)
    (i32.store (i32.const 70000) (call $fib (local.get $n)))
    (i32.add (i32.load (i32.const 70000)) (call $fib (local.get $n))))
  (func (export "theirs") (param $address i32) (result i32)
    (i32.add (i32.load (i32.const 100000)) (call $load (local.get $address))))
  (func (export "swapped") (param i32 f64) (result f64 i32)
    (call $swap (local.get 0) (local.get 1)))
  (func $loops (export "loops") (param i32) (result i32)
    (call $runaway (local.get 0)))
  ;; A loop whose way back is one of several.
  (func (export "choose") (param $n i32) (result i32) (local $i i32)
    (block $out
      (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_table $again $out (i32.eq (local.get $i) (local.get $n)))))
    (local.get $i))
)
