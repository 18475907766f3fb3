;; SPDX-License-Identifier: GPL-3.0-or-later
;; Tail calls, for tests/unit/test_wasm_run.c and test_jit_tail.c: between one parameter and four, behind a
;; loop, of a host function, and on the way to a trap.
(module
  (import "host" "add" (func $add (param i32 i64) (result i64)))
  (func $even (export "even") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call $odd (i64.const 9) (i64.const 8) (i64.sub (local.get 0) (i64.const 1)) (i64.const 7)))
  (func $odd (param i64 i64 i64 i64) (result i64) (local i64 i64)
    (if (i64.eqz (local.get 2)) (then (return (local.get 5))))
    (return_call $even (i64.sub (local.get 2) (i64.const 1))))
  (func (export "loop") (param i64) (result i64) (local i64)
    (loop $again
      (local.set 1 (i64.add (local.get 1) (i64.const 1)))
      (br_if $again (i64.ne (local.get 1) (local.get 0))))
    (return_call $even (local.get 1)))
  (func (export "ask") (param i32 i64) (result i64)
    (return_call $add (local.get 0) (local.get 1)))
  (func (export "trap") (param i64) (result i64)
    (i64.add (call $away (local.get 0)) (i64.const 1)))
  (func $away (param i64) (result i64) (return_call $end (local.get 0) (i64.const 5)))
  (func $end (param i64 i64) (result i64) (unreachable)))
