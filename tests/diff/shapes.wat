;; SPDX-License-Identifier: GPL-3.0-or-later
;; What important shapes of code must and must not become on a CPU of today (tests/diff/run_shapes): before each
;; function, `has` an expression that a line of its disassembly matches, `not` one that none does.
(module
  (memory 1 4)
  (table 4 funcref)
  (type $binary (func (param i32 i32) (result i32)))
  (global $sp (mut i32) (i32.const 100))

  ;; what a CPU reads behind a guess that was wrong: docs/security.md
  ;; has ^cmovae
  ;; has ^mov r11, qword ptr \[r.* \+ 8\*r
  (func (export "called number masked") (param i32 i32 i32) (result i32)
    (call_indirect (type $binary) (local.get 0) (local.get 1) (local.get 2)))

  ;; has ^cmovae
  (func (export "element's number masked") (param i32) (result funcref)
    (table.get 0 (local.get 0)))

  ;; has ^cmovae
  (func (export "set element's number masked") (param i32 funcref)
    (table.set 0 (local.get 0) (local.get 1)))

  ;; has ^cmovb
  ;; has ^jmp r
  (func (export "branch's number masked") (param i32) (result i32)
    (block (block (block (block (block (block
      (br_table 0 1 2 3 4 5 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 11))) (return (i32.const 12))) (return (i32.const 17)))
      (return (i32.const 23)))
    (i32.const 77))

  ;; few bytes, as many as the compiler knows: no call, and the last store comes first
  ;; has ^vmovups xmm[0-9]+, xmmword ptr \[r15 \+ rsi \+ 16\]
  ;; has ^mov qword ptr \[r15 \+ rdi \+ 32\]
  ;; not call|rep|cmp
  (func (export "constant copy") (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 40)))

  ;; has ^mov qword ptr \[r15 \+ rdi \+ 15\]
  ;; not call|rep|cmp|mul
  (func (export "constant fill") (param i32)
    (memory.fill (local.get 0) (i32.const 3) (i32.const 23)))

  ;; has ^add eax, dword ptr gs:\[.* \+ 4\*e
  ;; not shl|lea|mov e
  (func (export "load scaled into sum") (param i32 i32 i32) (result i32)
    (i32.add (local.get 2) (i32.load (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2))))))

  ;; has ^movzx eax, byte ptr \[r15 \+ rdi \+ 1024\]
  (func (export "load at offset") (param i32) (result i32)
    (i32.load8_u offset=1024 (local.get 0)))

  ;; has dword ptr \[r15 \+ 4\*r.. \+ 1024\]
  ;; not shl
  (func (export "table of 256") (param i32) (result i32)
    (i32.load offset=1024 (i32.shl (i32.and (local.get 0) (i32.const 255)) (i32.const 2))))

  ;; has ^add dword ptr \[r15 \+ rdi \+ 8\], esi
  (func (export "add in place") (param i32 i32)
    (i32.store offset=8 (local.get 0) (i32.add (i32.load offset=8 (local.get 0)) (local.get 1))))

  ;; has ^inc|^add dword ptr \[r15 \+ rdi\], 1
  (func (export "count in place") (param i32)
    (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))

  ;; has ^mov dword ptr \[r15 \+ rdi\], 7
  (func (export "store constant") (param i32)
    (i32.store (local.get 0) (i32.const 7)))

  ;; has ^cmp edi, esi
  ;; has ^j(l|ge)
  ;; not set|test
  (func (export "branch on comparison") (param i32 i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (local.get 1))
      (then (call $other (local.get 0))) (else (i32.const 7))))

  ;; has ^cmp byte ptr \[r15 \+ rdi\], 58
  (func (export "branch on byte") (param i32) (result i32)
    (if (result i32) (i32.eq (i32.load8_u (local.get 0)) (i32.const 58))
      (then (call $other (local.get 0))) (else (i32.const 7))))

  ;; has ^test dil, 4
  ;; not and
  (func (export "branch on bit") (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 4))
      (then (call $other (local.get 0))) (else (i32.const 7))))

  ;; has ^v?ucomisd xmm1, xmm0
  ;; has ^j(a|be)
  ;; not jp
  (func (export "branch on floats") (param f64 f64) (result i32)
    (if (result i32) (f64.lt (local.get 0) (local.get 1))
      (then (call $other (i32.const 1))) (else (i32.const 7))))

  ;; has ^cmov
  ;; not ^j
  (func (export "least") (param i32 i32) (result i32)
    (select (local.get 0) (local.get 1) (i32.lt_u (local.get 0) (local.get 1))))

  ;; has ^sete al
  ;; not movzx
  (func (export "comparison as a number") (param i64 i64) (result i32)
    (i64.eq (local.get 0) (local.get 1)))

  ;; has imul
  ;; not div
  (func (export "divided by ten") (param i32) (result i32)
    (i32.div_u (local.get 0) (i32.const 10)))

  ;; has ^imul
  ;; not div
  (func (export "rest of seven") (param i64) (result i64)
    (i64.rem_s (local.get 0) (i64.const 7)))

  ;; has ^lea eax, \[rdi \+ 4\*rsi \+ 12\]
  (func (export "sum of three") (param i32 i32) (result i32)
    (i32.add (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2))) (i32.const 12)))

  ;; has ^lea eax, \[rdi \+ 8\*rdi\]
  (func (export "nine times") (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 9)))

  ;; has ^rorx eax, edi, 25
  (func (export "rotated") (param i32) (result i32)
    (i32.rotl (local.get 0) (i32.const 7)))

  ;; has ^bswap e
  ;; not sh|or
  (func (export "bytes in the other order") (param i32) (result i32)
    (i32.or
      (i32.or (i32.shl (local.get 0) (i32.const 24))
        (i32.shl (i32.and (local.get 0) (i32.const 65280)) (i32.const 8)))
      (i32.or (i32.and (i32.shr_u (local.get 0) (i32.const 8)) (i32.const 65280))
        (i32.shr_u (local.get 0) (i32.const 24)))))

  ;; has ^shlx eax, edi, esi
  (func (export "shifted") (param i32 i32) (result i32)
    (i32.shl (local.get 0) (i32.and (local.get 1) (i32.const 31))))

  ;; has ^andn
  (func (export "without bits") (param i64 i64) (result i64)
    (i64.and (local.get 0) (i64.xor (local.get 1) (i64.const -1))))

  ;; has ^movsxd rax, dword ptr
  (func (export "extended load") (param i32) (result i64)
    (i64.extend_i32_s (i32.load (local.get 0))))

  ;; has ^lea rax|^add rdi
  ;; not mov e
  (func (export "extended without a move") (param i32 i64) (result i64)
    (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1)))

  ;; has ^vmulsd xmm0, xmm0, qword ptr \[rip
  ;; has ^vaddsd xmm0, xmm0, qword ptr \[r15
  (func (export "floats in memory") (param f64 i32) (result f64)
    (f64.add (f64.mul (local.get 0) (f64.const 3.5)) (f64.load (local.get 1))))

  ;; has ^vmaxsd xmm0, xmm0, xmm1
  ;; not ucomi|^j
  (func (export "larger float") (param f64 f64) (result f64)
    (select (local.get 0) (local.get 1) (f64.gt (local.get 0) (local.get 1))))

  ;; has ^vcmplesd
  ;; has ^vblendvpd
  ;; not ^j
  (func (export "chosen float") (param f64 f64 f64) (result f64)
    (select (local.get 0) (local.get 2) (f64.le (local.get 0) (local.get 1))))

  ;; has ^v?roundsd
  ;; not call
  (func (export "floor") (param f64) (result f64)
    (f64.floor (local.get 0)))

  ;; has ^cmp .*r14
  ;; has ^cmovae
  ;; has ^call qword ptr
  (func (export "indirect call") (param i32 i32) (result i32)
    (call_indirect (type $binary) (local.get 0) (local.get 0) (local.get 1)))

  ;; has ^movsxd
  ;; has ^cmovb
  ;; has ^jmp r
  (func (export "switch") (param i32) (result i32)
    (block (block (block (block (block (block
      (br_table 0 1 2 3 4 5 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 21))) (return (i32.const 32)))
      (return (i32.const 43))) (return (i32.const 54)))
    (i32.const 65))

  ;; The counter alone decides: no comparison with 0 behind its step.
  ;; has ^(dec|add)
  ;; has ^jne
  ;; not test|cmp
  (func $other (export "counting down") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))

  ;; has qword ptr \[r15 \+ |gs:
  ;; not test
  (func (export "sum of an array") (param i32 i32) (result f64) (local f64)
    (loop $l
      (local.set 2 (f64.add (local.get 2) (f64.load (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 8)))
      (br_if $l (i32.ne (local.get 0) (local.get 1))))
    (local.get 2))

  ;; has dword ptr \[r14
  (func (export "stack pointer") (param i32) (result i32)
    (global.set $sp (i32.sub (global.get $sp) (local.get 0)))
    (global.get $sp))

  ;; has ^vpaddd xmm0, xmm0, xmmword ptr \[r15
  ;; not movups
  (func (export "load into vector sum") (param v128 i32) (result v128)
    (i32x4.add (v128.load (local.get 1)) (local.get 0)))

  ;; has ^vaddps xmm0, xmm0, xmmword ptr \[rip
  ;; not movups
  (func (export "vector constant in memory") (param v128) (result v128)
    (f32x4.add (local.get 0) (v128.const f32x4 1 2 3 4)))

  ;; has ^vpxor
  ;; not rip
  (func (export "vector of zeros") (result v128)
    (v128.const i64x2 0 0))

  ;; has ^vptest xmm0, xmm1
  ;; has ^j(e|ne)
  ;; not set|pand|test e
  (func (export "branch on bits of vectors") (param v128 v128 i32) (result i32)
    (if (result i32) (v128.any_true (v128.and (local.get 0) (local.get 1)))
      (then (call $other (local.get 2))) (else (i32.const 7))))

  ;; has ^vbroadcastss xmm0, dword ptr \[r15
  ;; not vmov|vpshufd
  (func (export "number from memory in all lanes") (param i32) (result v128)
    (f32x4.splat (f32.load (local.get 0))))

  ;; has ^vpshufd xmm0, xmm0, 170
  ;; not vmov|vpextrd
  (func (export "lane in all lanes") (param v128) (result v128)
    (i32x4.splat (i32x4.extract_lane 2 (local.get 0))))

  ;; has ^vpmovzxbd xmm0, dword ptr \[r15
  ;; not vmov|vpmovzxwd
  (func (export "four bytes to numbers") (param i32) (result v128)
    (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get 0)))))

  ;; has ^vpshufb xmm0, xmm0, xmmword ptr \[rip
  ;; not vpmovzx
  (func (export "higher bytes to numbers") (param v128) (result v128)
    (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
      (i8x16.shuffle 4 5 6 7 0 0 0 0 0 0 0 0 0 0 0 0 (local.get 0) (local.get 0)))))

  ;; has ^vpunpcklbw xmm0, xmm0, xmm1
  ;; not vpshufb
  (func (export "bytes in turns") (param v128 v128) (result v128)
    (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get 0) (local.get 1)))

  ;; has ^vpalignr xmm0, xmm1, xmm0, 5
  ;; not vpshufb
  (func (export "bytes across two vectors") (param v128 v128) (result v128)
    (i8x16.shuffle 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 (local.get 0) (local.get 1)))

  ;; has ^vpslld xmm0, xmm0, 7
  ;; not vmovd
  (func (export "vector shift by constant") (param v128) (result v128)
    (i32x4.shl (local.get 0) (i32.const 39)))

  ;; has ^vmovups xmmword ptr \[r15 \+ rdi \+ 32\], xmm0
  (func (export "store vector") (param i32 v128)
    (v128.store offset=32 (local.get 0) (local.get 1)))

  ;; has ^vpsrlvd xmm0, xmm0, xmm1
  ;; not vpextr|vpinsr|vmovd|shr
  (func (export "each lane by another number") (param v128 v128) (result v128)
    (local.set 1 (v128.and (local.get 1) (v128.const i32x4 31 31 31 31)))
    (i32x4.replace_lane 3
      (i32x4.replace_lane 2
        (i32x4.replace_lane 1
          (i32x4.splat (i32.shr_u (i32x4.extract_lane 0 (local.get 0)) (i32x4.extract_lane 0 (local.get 1))))
          (i32.shr_u (i32x4.extract_lane 1 (local.get 0)) (i32x4.extract_lane 1 (local.get 1))))
        (i32.shr_u (i32x4.extract_lane 2 (local.get 0)) (i32x4.extract_lane 2 (local.get 1))))
      (i32.shr_u (i32x4.extract_lane 3 (local.get 0)) (i32x4.extract_lane 3 (local.get 1)))))

  ;; has xmmword ptr \[rip
  ;; not mov e|vpshuf|vpbroadcast
  (func (export "known number in all lanes") (param v128) (result v128)
    (i16x8.add (local.get 0) (i16x8.splat (i32.const 300))))
)
