;; SPDX-License-Identifier: GPL-3.0-or-later
;; Runs until it is hot and longer, and comes back to the kernel between two moments of that.
(module
  (import "redshirt" "wait" (func $wait (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (func $moment (result i32)
    (local $i i32)
    (loop $again
      (i32.store (i32.and (local.get $i) (i32.const 0xfffc)) (local.get $i))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                              (i32.const 5000))))
    (local.get $i))
  (func (export "_start")
    (local $times i32)
    (loop $again
      (drop (call $moment))
      (drop (call $wait (i32.const 0) (i32.const 0) (i32.const 1))) ;; WAIT_POLL
      (br_if $again (i32.lt_u (local.tee $times (i32.add (local.get $times) (i32.const 1)))
                              (i32.const 2000))))))
