;; SPDX-License-Identifier: GPL-3.0-or-later
;; tests/unit/test_wasm_atomic.c runs it.
(module
  (memory (import "test" "memory") 1 3 shared)
  (memory (import "test" "again") 1 3 shared)
  (memory (import "test" "other") 1 3 shared)
  ;; Until the memory has `pages`; then the word at the end of it, less 4.
  (func (export "await_growth") (param $pages i32) (result i32)
    (loop $again
      (br_if $again (i32.lt_u (memory.size) (local.get $pages))))
    (i32.load (i32.sub (i32.shl (local.get $pages) (i32.const 16)) (i32.const 4))))
  (func (export "add") (param $times i32) (result i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32.atomic.load (i32.const 8)))
  (func (export "grow_all") (result i32)
    (local $count i32)
    (loop $again
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
        (then (local.set $count (i32.add (local.get $count) (i32.const 1))) (br $again))))
    (local.get $count))
  ;; Values below the operands outlive the wait.
  (func (export "wait32") (param $at i32) (param $expected i32) (param $timeout i64) (result i32)
    (i32.add
      (i32.mul (local.get $at) (i32.const 1000))
      (memory.atomic.wait32 offset=4 (local.get $at) (local.get $expected) (local.get $timeout))))
  (func (export "wait64") (param $at i32) (param $expected i64) (param $timeout i64) (result i32)
    (memory.atomic.wait64 (local.get $at) (local.get $expected) (local.get $timeout)))
  (func (export "notify") (param $at i32) (param $count i32) (result i32)
    (memory.atomic.notify (local.get $at) (local.get $count)))
  (func (export "wait32_again") (param $at i32) (param $expected i32) (param $timeout i64)
    (result i32)
    (memory.atomic.wait32 1 offset=4 (local.get $at) (local.get $expected) (local.get $timeout)))
  (func (export "wait32_other") (param $at i32) (param $expected i32) (param $timeout i64)
    (result i32)
    (memory.atomic.wait32 2 (local.get $at) (local.get $expected) (local.get $timeout)))
  (func (export "wait64_other") (param $at i32) (param $expected i64) (param $timeout i64)
    (result i32)
    (memory.atomic.wait64 2 (local.get $at) (local.get $expected) (local.get $timeout)))
  (func (export "notify_other") (param $at i32) (param $count i32) (result i32)
    (memory.atomic.notify 2 (local.get $at) (local.get $count)))
  (func (export "fence") (atomic.fence)))
