;; SPDX-License-Identifier: GPL-3.0-or-later
;; As many memories as there may be; the first two are imported, and may be one.
(module
  (import "host" "a" (memory 1))
  (import "host" "b" (memory 1))
  (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1)
  (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1 4)
  (data (memory 15) (i32.const 65533) "abc")
  (data $passive "0123456789")
  (global $grown (mut i32) (i32.const 0))

  (func (export "store_first") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "store_second") (param i32 i64) (i64.store 1 (local.get 0) (local.get 1)))
  (func (export "load_first") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "load_second") (param i32) (result i64) (i64.load 1 (local.get 0)))
  (func (export "load_last") (param i32) (result i32) (i32.load8_u 15 (local.get 0)))
  (func (export "size_first") (result i32) (memory.size 0))
  (func (export "size_second") (result i32) (memory.size 1))
  (func (export "size_last") (result i32) (memory.size 15))
  (func (export "grow_second") (param i32) (result i32) (memory.grow 1 (local.get 0)))

  ;; Bulk operations, by the order of their parameters.
  (func (export "copy_across") (param i32 i32 i32)
    (memory.copy 0 1 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy_apart") (param i32 i32 i32)
    (memory.copy 2 0 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy_home") (param i32 i32 i32)
    (memory.copy 0 2 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill_last") (param i32 i32 i32)
    (memory.fill 15 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init_last") (param i32 i32 i32)
    (memory.init 15 $passive (local.get 0) (local.get 1) (local.get 2)))

  ;; What stands in the accumulator of i32 on either side of an access to another memory, and a sum in
  ;; the address.
  (func (export "mixed") (param i32 i32) (result i32)
    (i32.store 3 offset=8 (i32.add (local.get 0) (local.get 1))
      (i32.add (i32.load 2 (local.get 0)) (i32.load (i32.add (local.get 0) (i32.const 4)))))
    (local.set 1 (i32.load 3 offset=8 (i32.add (local.get 0) (local.get 1))))
    (i32.add (local.get 1) (i32.load 15 offset=65532 (i32.const 0))))

  ;; How many of the memories that are not imported can grow by so much.
  (func $try (param i32) (if (i32.ne (local.get 0) (i32.const -1))
    (then (global.set $grown (i32.add (global.get $grown) (i32.const 1))))))
  (func (export "grow_all") (param $by i32) (result i32)
    (global.set $grown (i32.const 0))
    (call $try (memory.grow 2 (local.get $by))) (call $try (memory.grow 3 (local.get $by)))
    (call $try (memory.grow 4 (local.get $by))) (call $try (memory.grow 5 (local.get $by)))
    (call $try (memory.grow 6 (local.get $by))) (call $try (memory.grow 7 (local.get $by)))
    (call $try (memory.grow 8 (local.get $by))) (call $try (memory.grow 9 (local.get $by)))
    (call $try (memory.grow 10 (local.get $by))) (call $try (memory.grow 11 (local.get $by)))
    (call $try (memory.grow 12 (local.get $by))) (call $try (memory.grow 13 (local.get $by)))
    (call $try (memory.grow 14 (local.get $by))) (call $try (memory.grow 15 (local.get $by)))
    (global.get $grown)))
