;; SPDX-License-Identifier: GPL-3.0-or-later
;; A program over guests/adapter.wat. It traps where something is not as it should be.
(module
  (import "test_adapter" "upper" (func $upper (param i32 i32) (result i32)))
  (import "test_adapter" "marks" (func $marks (result i32)))
  (import "test_adapter" "poll" (func $poll (result i32)))
  (import "test_adapter" "reach_read" (func $read (param i32 i32 i32) (result i32)))
  (import "test_adapter" "reach_write" (func $write (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2 2)
  (data (i32.const 100) "hello")
  (func $must (param $got i32) (param $want i32)
    (if (i32.ne (local.get $got) (local.get $want)) (then (unreachable))))
  (func (export "_start")
    ;; its start function ran, then _initialize
    (call $must (call $marks) (i32.const 12))
    (call $must (call $upper (i32.const 100) (i32.const 5)) (i32.const 0))
    (call $must (i32.load (i32.const 100)) (i32.const 0x4c4c4548)) ;; HELL
    (call $must (i32.load8_u (i32.const 104)) (i32.const 0x4f))
    ;; pointers of the adapter's own calls are in its own memory: one page, where this has two
    (call $must (call $poll) (i32.const 0))
    ;; to: adapter (65536 bytes), from: program (131072 bytes)
    (call $must (call $read (i32.const 0) (i32.const 131072) (i32.const 0)) (i32.const 0))
    (call $must (call $read (i32.const 0) (i32.const 131071) (i32.const 2)) (i32.const -1))
    (call $must (call $read (i32.const 65535) (i32.const 0) (i32.const 2)) (i32.const -1))
    (call $must (call $read (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const -1))
    (call $must (call $read (i32.const -1) (i32.const -1) (i32.const 1)) (i32.const -1))
    (call $must (call $write (i32.const 131071) (i32.const 0) (i32.const 1)) (i32.const 0))
    (call $must (call $write (i32.const 131071) (i32.const 0) (i32.const 2)) (i32.const -1))
    (call $must (call $write (i32.const 0) (i32.const 65536) (i32.const 1)) (i32.const -1))
    (call $must (call $write (i32.const 0) (i32.const 65000) (i32.const 537)) (i32.const -1))))
