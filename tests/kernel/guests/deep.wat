;; SPDX-License-Identifier: GPL-3.0-or-later
;; Calls itself until its stack is full. Each frame keeps values across the call.
(module
  (memory (export "memory") 1 1)
  (func $down (param i64 i64 i64 i64) (result i64)
    (i64.add
      (call $down
        (i64.add (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 3))
        (i64.add (local.get 2) (i64.const 5)) (i64.add (local.get 3) (i64.const 7)))
      (i64.mul (i64.xor (local.get 0) (local.get 1)) (i64.xor (local.get 2) (local.get 3)))))
  (func (export "_start")
    (drop (call $down (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)))))
