;; Whether a text of JSON, in UTF-8 from 0 on, has no control character, and after every backslash one of b f n r t /.
;; 16 bytes at a time, each beside the one that follows it. See escapes.ts.
(module
  ;; 128 KiB: texts up to that less the 32 bytes of blanks behind them, so that nothing of an earlier one is looked at.
  (memory (export "memory") 2)

  (func (export "isPlain") (param $length i32) (result i32)
    (local $at i32)
    (local $here v128)
    (local $next v128)
    (local $wrong v128)
    (v128.store (local.get $length) (i8x16.splat (i32.const 0x20)))
    (v128.store offset=16 (local.get $length) (i8x16.splat (i32.const 0x20)))
    (loop $more
      (local.set $here (v128.load (local.get $at)))
      (local.set $next (v128.load offset=1 (local.get $at)))
      (local.set $wrong
        (v128.or
          (local.get $wrong)
          (v128.or
            (i8x16.lt_u (local.get $here) (i8x16.splat (i32.const 0x20)))
            (v128.andnot
              (i8x16.eq (local.get $here) (i8x16.splat (i32.const 0x5c))) ;; backslash
              (v128.or
                (v128.or
                  (v128.or
                    (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x72))) ;; r
                    (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x6e)))) ;; n
                  (v128.or
                    (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x74))) ;; t
                    (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x62))))) ;; b
                (v128.or
                  (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x66))) ;; f
                  (i8x16.eq (local.get $next) (i8x16.splat (i32.const 0x2f))))))))) ;; /
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $more (i32.lt_u (local.get $at) (local.get $length))))
    (i32.eqz (v128.any_true (local.get $wrong)))))
