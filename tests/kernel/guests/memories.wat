;; SPDX-License-Identifier: GPL-3.0-or-later
;; As many memories as there may be, none with a limit of its own. Takes all that it gets for some of them, writes to
;; the end of each, and then waits for ever.
(module
  (import "redshirt" "wait" (func $wait (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1)
  (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1)
  (func $last (param $pages i32) (result i32)
    (i32.sub (i32.shl (local.get $pages) (i32.const 16)) (i32.const 4)))
  (func (export "_start") (local $step i32)
    (local.set $step (i32.const 4096))
    (loop $again
      (br_if $again (i32.ne (memory.grow 1 (local.get $step)) (i32.const -1)))
      (br_if $again (i32.ne (memory.grow 2 (local.get $step)) (i32.const -1)))
      (br_if $again (i32.ne (memory.grow 8 (local.get $step)) (i32.const -1)))
      (br_if $again (i32.ne (memory.grow 15 (local.get $step)) (i32.const -1)))
      (br_if $again (i32.ne (memory.grow 0 (local.get $step)) (i32.const -1)))
      (local.set $step (i32.shr_u (local.get $step) (i32.const 1)))
      (br_if $again (local.get $step)))
    (i32.store 1 (call $last (memory.size 1)) (i32.const 1))
    (i32.store 2 (call $last (memory.size 2)) (i32.const 2))
    (i32.store 8 (call $last (memory.size 8)) (i32.const 3))
    (i32.store 15 (call $last (memory.size 15)) (i32.const 4))
    (memory.copy 15 1 (i32.const 0) (i32.const 0) (i32.const 65536))
    (drop (call $wait (i32.const 0) (i32.const 1024) (i32.const 0)))))
