;; SPDX-License-Identifier: GPL-3.0-or-later
;; Tail calls that would need more stack than there is if they took any: between functions with more and
;; fewer parameters, in registers and on the stack, of one instance and of two, and, where some functions
;; are compiled and others are not, between both engines.
(module $a
  (import "spectest" "print_i32" (func $print (param i32)))
  (type $t (func (param i64) (result i64)))
  (type $many (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 f32) (result i64)))
  (table (export "table") 8 8 funcref)
  (elem (i32.const 0) $here)
  (elem (i32.const 2) $turn $many_a $many_b)
  (elem (i32.const 6) $print)

  ;; One parameter, then three and two locals.
  (func $even (export "even") (type $t)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (i64.const 5) (f64.const 6)))
  (func $odd (param i64 i64 f64) (result i64) (local i64 v128)
    (if (i64.eqz (local.get 0)) (then (return (local.get 3))))
    (return_call $even (i64.sub (local.get 0) (i64.trunc_f64_s (f64.sub (local.get 2) (f64.const 5))))))
  ;; From a function that needs registers which callees keep.
  (func (export "from_deep") (param i64) (result i64)
    (local $x i64) (local $y i64)
    (local.set $x (i64.mul (local.get 0) (i64.const 3)))
    (local.set $y (call $even (local.get 0)))
    (i64.add (i64.add (local.get $x) (call $even (i64.add (local.get 0) (local.get $y)))) (local.get $y)))

  ;; By the table, and to another instance and back.
  (func $here (type $t)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 77))))
    (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 1)))
  (func (export "away") (type $t) (i64.add (i64.const 1000) (call $here (local.get 0))))
  (func $turn (export "turn") (type $t)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 3))))
    (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 2)))

  ;; Twelve parameters: some are on the stack, and change places each time.
  (func $many_a (type $many)
    (if (i64.eqz (local.get 0)) (then
      (return (i64.add (i64.shl (local.get 8) (i64.const 8)) (i64.add (local.get 9) (i64.extend_i32_u (local.get 10)))))))
    (return_call $many_b (i64.sub (local.get 0) (i64.const 1)) (local.get 2) (local.get 3) (local.get 4)
      (local.get 5) (local.get 6) (local.get 7) (local.get 1) (local.get 9) (local.get 8) (local.get 10) (local.get 11)))
  (func $many_b (type $many)
    (if (i64.eqz (local.get 0)) (then (return (i64.sub (local.get 9) (local.get 8)))))
    (return_call_indirect (type $many) (i64.sub (local.get 0) (i64.const 1)) (local.get 1) (local.get 2) (local.get 3)
      (local.get 4) (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11)
      (i32.const 3)))
  (func (export "many") (param i64) (result i64)
    (call $many_a (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 10) (i64.const 20) (i32.const 3) (f32.const 4)))

  ;; From one parameter to twelve, which are more than the caller has room for, and back to one.
  (func $few (export "few") (type $t)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 9))))
    (return_call $wide (i64.sub (local.get 0) (i64.const 1)) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
      (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i32.const 10) (f32.const 11)))
  (func $wide (type $many)
    (if (i64.eqz (local.get 0)) (then (return (i64.add (local.get 9) (i64.extend_i32_u (local.get 10))))))
    (return_call $few (i64.sub (local.get 0) (i64.const 1))))

  ;; Results on the stack, and vectors.
  (func $pair_a (param i64 v128) (result i64 v128 f32 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (if (i64.eqz (local.get 0)) (then
      (return (i64.const 1) (local.get 1) (f32.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)
        (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 11) (i64.const 12))))
    (return_call $pair_b (i32x4.add (local.get 1) (v128.const i32x4 1 0 0 2)) (i64.sub (local.get 0) (i64.const 1))))
  (func $pair_b (param v128 i64) (result i64 v128 f32 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (return_call $pair_a (local.get 1) (local.get 0)))
  (func (export "pair") (param i64) (result i64)
    (local $v v128) (local $last i64)
    (call $pair_a (local.get 0) (v128.const i64x2 0 0))
    (local.set $last) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop)
    (local.set $v) (drop)
    (i64.add (local.get $last) (i64x2.extract_lane 0 (local.get $v))))

  ;; Of the embedder's functions, by name and by the table.
  (func $tell (param i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (return_call $print (local.get 0))))
    (return_call_indirect (param i32) (local.get 0) (i32.const 6)))
  (func (export "tell") (param i64) (result i64)
    (call $tell (i32.wrap_i64 (local.get 0)))
    (i64.add (local.get 0) (i64.const 5)))

  ;; Traps, at the end of a long way and in the middle of the instruction.
  (func $trap_a (export "trap") (type $t)
    (if (i64.eqz (local.get 0)) (then (unreachable)))
    (return_call $trap_b (i64.sub (local.get 0) (i64.const 1))))
  (func $trap_b (type $t) (return_call $trap_a (local.get 0)))
  (func (export "element") (param i32) (result i64) (return_call_indirect (type $t) (i64.const 2) (local.get 0))))
(register "a" $a)

(module $b
  (type $t (func (param i64) (result i64)))
  (import "a" "table" (table 8 8 funcref))
  (import "a" "even" (func $even (type $t)))
  (import "a" "turn" (func $turn (type $t)))
  (elem (i32.const 1) $back)
  (func $back (type $t)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 78))))
    (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
  (func (export "even") (type $t) (return_call $even (local.get 0)))
  (func $loop (export "loop") (type $t)
    (if (i64.eqz (i64.rem_u (local.get 0) (i64.const 7))) (then (return_call $turn (local.get 0))))
    (return_call $loop (i64.sub (local.get 0) (i64.const 1)))))

(assert_return (invoke $a "even" (i64.const 1000000)) (i64.const 1))
(assert_return (invoke $a "even" (i64.const 999999)) (i64.const 0))
(assert_return (invoke $a "from_deep" (i64.const 1000)) (i64.const 3001))
(assert_return (invoke $a "away" (i64.const 200001)) (i64.const 1078))
(assert_return (invoke $a "away" (i64.const 200000)) (i64.const 1077))
(assert_return (invoke $a "turn" (i64.const 1000000)) (i64.const 3))
(assert_return (invoke $a "many" (i64.const 400000)) (i64.const 2583))
(assert_return (invoke $a "many" (i64.const 400001)) (i64.const -10))
(assert_return (invoke $a "many" (i64.const 400002)) (i64.const 5133))
(assert_return (invoke $a "few" (i64.const 200000)) (i64.const 9))
(assert_return (invoke $a "few" (i64.const 200001)) (i64.const 19))
(assert_return (invoke $a "pair" (i64.const 200000)) (i64.const 200012))
(assert_return (invoke $b "even" (i64.const 200001)) (i64.const 0))
(assert_return (invoke $b "loop" (i64.const 200001)) (i64.const 3))
(assert_return (invoke $a "tell" (i64.const 1)) (i64.const 6))
(assert_return (invoke $a "tell" (i64.const 2)) (i64.const 7))
(assert_trap (invoke $a "trap" (i64.const 200000)) "unreachable")
(assert_trap (invoke $a "element" (i32.const 8)) "undefined element")
(assert_trap (invoke $a "element" (i32.const 7)) "uninitialized element")
(assert_trap (invoke $a "element" (i32.const 3)) "indirect call type mismatch")
(assert_return (invoke $a "element" (i32.const 0)) (i64.const 77))
