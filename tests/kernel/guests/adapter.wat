;; SPDX-License-Identifier: GPL-3.0-or-later
;; An adapter: `upper` reads len bytes of the program at an address, makes them upper case and writes them back.
;; `reach` copies with any arguments. `_initialize` and the start function leave marks that `marks` tells.
(module
  (import "client" "read" (func $read (param i32 i32 i32) (result i32)))
  (import "client" "write" (func $write (param i32 i32 i32) (result i32)))
  (import "redshirt" "wait" (func $wait (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (global $marks (mut i32) (i32.const 0))
  (func $begin
    (global.set $marks (i32.add (i32.mul (global.get $marks) (i32.const 10)) (i32.const 1))))
  (start $begin)
  (func (export "_initialize")
    (global.set $marks (i32.add (i32.mul (global.get $marks) (i32.const 10)) (i32.const 2))))
  (func (export "marks") (result i32) (global.get $marks))
  (func (export "reach_read") (param i32 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "reach_write") (param i32 i32 i32) (result i32)
    (call $write (local.get 0) (local.get 1) (local.get 2)))
  (func (export "poll") (result i32) (call $wait (i32.const 65500) (i32.const 36) (i32.const 1)))
  (func (export "upper") (param $at i32) (param $len i32) (result i32)
    (local $i i32)
    (if (call $read (i32.const 1000) (local.get $at) (local.get $len)) (then (return (i32.const -1))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $len)))
        (i32.store8 (i32.add (i32.const 1000) (local.get $i))
          (i32.and (i32.load8_u (i32.add (i32.const 1000) (local.get $i))) (i32.const 0xdf)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (call $write (local.get $at) (i32.const 1000) (local.get $len))))
