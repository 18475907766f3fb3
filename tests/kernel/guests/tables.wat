;; SPDX-License-Identifier: GPL-3.0-or-later
;; Takes as many elements for a table as it gets, 8192 at a time (64 KiB), writes how many it has to address 0, and then
;; waits for ever.
(module
  (import "redshirt" "wait" (func $wait (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 8192)) (i32.const -1))))
    (i32.store (i32.const 0) (table.size $t))
    (drop (call $wait (i32.const 1024) (i32.const 1024) (i32.const 0)))))
