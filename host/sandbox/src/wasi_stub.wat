;; What a core module that imports `wasi_snapshot_preview1` (C, C++, Go, Rust for
;; wasm32-wasip1) gets instead. Two runs on the same inputs get the same answers,
;; and nothing of the machine's.
;;
;; - There are no arguments, no environment variables, no files and no sockets.
;;   The only descriptors are 0, which is at its end, and 1 and 2, whose lines go to
;;   the log. They say that they are terminals, so that C flushes each line.
;; - The wall clock stands at the time of the run. The monotonic clock starts at one
;;   second, for Go takes 0 for a broken one, and moves by what the guest sleeps and
;;   by nothing else: a sleep returns at once, and whoever waits for that clock to
;;   get somewhere comes to an end.
;; - Random bytes come from SplitMix64, seeded by the host. Not for secrets.
;; - Leaving the process or raising a signal fails the run.
;;
;; Error numbers: 8 EBADF, 28 EINVAL, 70 ESPIPE.
(module
  (import "env" "memory" (memory 0))
  (import "wasmalert:host/wasi@0.1.0" "now-ns" (func $ask_now (result i64)))
  (import "wasmalert:host/wasi@0.1.0" "seed" (func $seed (result i64)))
  (import "wasmalert:host/wasi@0.1.0" "print" (func $print (param i32 i32 i32)))
  (import "wasmalert:host/wasi@0.1.0" "exit" (func $exit (param i32)))

  (global $asked_now (mut i32) (i32.const 0))
  (global $now_ns (mut i64) (i64.const 0))
  (global $seeded (mut i32) (i32.const 0))
  (global $random (mut i64) (i64.const 0))
  ;; In ns; at most 2^63-1, as many guests take it for a signed number.
  (global $monotonic (mut i64) (i64.const 1000000000))

  ;; Arguments and environment: none.
  (func $none (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param i32 i32) (result i32)
    (call $none (local.get 0) (local.get 1)))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_sizes_get") (param i32 i32) (result i32)
    (call $none (local.get 0) (local.get 1)))

  ;; Asked once, because guests look often. While the host allocates memory in the
  ;; guest, the host cannot be asked. A garbage collector may run just then, so what
  ;; it looks at, the monotonic clock, is kept here.
  (func $now (result i64)
    (if (i32.eqz (global.get $asked_now))
      (then
        (global.set $asked_now (i32.const 1))
        (global.set $now_ns (call $ask_now))))
    (global.get $now_ns))

  ;; Clocks: 0 wall, 1 monotonic, 2 and 3 CPU time, which nobody uses any of.
  (func $time (param $clock i32) (result i64)
    (if (i32.eqz (local.get $clock)) (then (return (call $now))))
    (if (i32.eq (local.get $clock) (i32.const 1))
      (then (return (global.get $monotonic))))
    (i64.const 0))
  (func (export "clock_res_get") (param $clock i32) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 3)) (then (return (i32.const 28))))
    (i64.store (local.get $out) (i64.const 1000000))
    (i32.const 0))
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 3)) (then (return (i32.const 28))))
    (i64.store (local.get $out) (call $time (local.get $clock)))
    (i32.const 0))

  ;; Sleeping. How long a subscription waits; one to a descriptor does not.
  (func $wait (param $subscription i32) (result i64)
    (local $wait i64) (local $time i64)
    (if (i32.load8_u offset=8 (local.get $subscription)) (then (return (i64.const 0))))
    (local.set $wait (i64.load offset=24 (local.get $subscription)))
    (if (i32.and (i32.load16_u offset=40 (local.get $subscription)) (i32.const 1))
      (then
        (local.set $time (call $time (i32.load offset=16 (local.get $subscription))))
        (if (i64.le_u (local.get $wait) (local.get $time)) (then (return (i64.const 0))))
        (local.set $wait (i64.sub (local.get $wait) (local.get $time)))))
    (local.get $wait))
  (func $sleep (param $wait i64)
    (local $left i64)
    (local.set $left (i64.sub (i64.const 0x7fffffffffffffff) (global.get $monotonic)))
    (if (i64.gt_u (local.get $wait) (local.get $left)) (then (local.set $wait (local.get $left))))
    (global.set $monotonic (i64.add (global.get $monotonic) (local.get $wait))))
  ;; Turns a subscription (48 bytes) into an event (32 bytes).
  (func $fire (param $subscription i32) (param $event i32)
    (local $kind i32)
    (local.set $kind (i32.load8_u offset=8 (local.get $subscription)))
    (i64.store (local.get $event) (i64.load (local.get $subscription)))
    (i64.store offset=8 (local.get $event) (i64.const 0))
    (i64.store offset=16 (local.get $event) (i64.const 0))
    (i64.store offset=24 (local.get $event) (i64.const 0))
    (i32.store8 offset=10 (local.get $event) (local.get $kind))
    (if (i32.eqz (local.get $kind)) (then (return)))
    (i32.store16 offset=8 (local.get $event)
      (call $standard (i32.load offset=16 (local.get $subscription))))
    ;; Reading: hung up.
    (i32.store16 offset=24 (local.get $event) (i32.eq (local.get $kind) (i32.const 1))))
  ;; Lets the shortest wait pass, and tells of whoever waited no longer than that.
  (func (export "poll_oneoff") (param $in i32) (param $events i32) (param $count i32) (param $out i32) (result i32)
    (local $shortest i64) (local $at i32) (local $end i32) (local $fired i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28))))
    (local.set $shortest (i64.const -1))
    (local.set $at (local.get $in))
    (local.set $end (i32.add (local.get $in) (i32.mul (local.get $count) (i32.const 48))))
    (loop $next
      (if (i64.lt_u (call $wait (local.get $at)) (local.get $shortest))
        (then (local.set $shortest (call $wait (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 48)))
      (br_if $next (i32.ne (local.get $at) (local.get $end))))
    (local.set $at (local.get $in))
    (loop $next
      (if (i64.le_u (call $wait (local.get $at)) (local.get $shortest))
        (then
          (call $fire (local.get $at)
            (i32.add (local.get $events) (i32.mul (local.get $fired) (i32.const 32))))
          (local.set $fired (i32.add (local.get $fired) (i32.const 1)))))
      (local.set $at (i32.add (local.get $at) (i32.const 48)))
      (br_if $next (i32.ne (local.get $at) (local.get $end))))
    (call $sleep (local.get $shortest))
    (i32.store (local.get $out) (local.get $fired))
    (i32.const 0))
  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; Randomness.
  (func $next_random (result i64)
    (local $z i64)
    (if (i32.eqz (global.get $seeded))
      (then
        (global.set $seeded (i32.const 1))
        (global.set $random (call $seed))))
    (global.set $random (i64.add (global.get $random) (i64.const 0x9e3779b97f4a7c15)))
    (local.set $z (global.get $random))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30)))
      (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27)))
      (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))
  (func (export "random_get") (param $out i32) (param $len i32) (result i32)
    (local $bytes i64)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_u (local.get $len) (i32.const 8)))
        (i64.store (local.get $out) (call $next_random))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $next)))
    (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
    (local.set $bytes (call $next_random))
    (loop $next
      (i64.store8 (local.get $out) (local.get $bytes))
      (local.set $bytes (i64.shr_u (local.get $bytes) (i64.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br_if $next (local.get $len)))
    (i32.const 0))

  ;; The three standard descriptors.
  (func $standard (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))
  (func $no_position (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 70) (i32.gt_u (local.get $fd) (i32.const 2))))
  (func (export "fd_write") (param $fd i32) (param $buffers i32) (param $count i32) (param $out i32) (result i32)
    (local $written i32) (local $len i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1))
      (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $len (i32.load offset=4 (local.get $buffers)))
        (if (local.get $len)
          (then
            (call $print (i32.eq (local.get $fd) (i32.const 2)) (i32.load (local.get $buffers)) (local.get $len))))
        (local.set $written (i32.add (local.get $written) (local.get $len)))
        (local.set $buffers (i32.add (local.get $buffers) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $out) (local.get $written))
    (i32.const 0))
  ;; Nothing is ever there to read.
  (func (export "fd_read") (param $fd i32) (param $buffers i32) (param $count i32) (param $out i32) (result i32)
    (if (local.get $fd) (then (return (i32.const 8))))
    (i32.store (local.get $out) (i32.const 0))
    (i32.const 0))
  ;; A terminal (character device, 2) that may be read (right 1) or written (right 6).
  (func (export "fd_fdstat_get") (param $fd i32) (param $out i32) (result i32)
    (if (call $standard (local.get $fd)) (then (return (i32.const 8))))
    (i64.store (local.get $out) (i64.const 2))
    (i64.store offset=8 (local.get $out)
      (select (i64.const 0x40) (i64.const 0x2) (local.get $fd)))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i32.const 0))
  (func (export "fd_filestat_get") (param $fd i32) (param $out i32) (result i32)
    (if (call $standard (local.get $fd)) (then (return (i32.const 8))))
    (i64.store (local.get $out) (i64.const 0))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i64.store offset=16 (local.get $out) (i64.const 2))
    (i64.store offset=24 (local.get $out) (i64.const 1))
    (i64.store offset=32 (local.get $out) (i64.const 0))
    (i64.store offset=40 (local.get $out) (i64.const 0))
    (i64.store offset=48 (local.get $out) (i64.const 0))
    (i64.store offset=56 (local.get $out) (i64.const 0))
    (i32.const 0))
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param i32) (result i32)
    (call $standard (local.get $fd)))
  (func (export "fd_close") (param $fd i32) (result i32) (call $standard (local.get $fd)))
  (func (export "fd_datasync") (param $fd i32) (result i32) (call $standard (local.get $fd)))
  (func (export "fd_sync") (param $fd i32) (result i32) (call $standard (local.get $fd)))
  (func (export "fd_seek") (param $fd i32) (param i64 i32 i32) (result i32)
    (call $no_position (local.get $fd)))
  (func (export "fd_tell") (param $fd i32) (param i32) (result i32)
    (call $no_position (local.get $fd)))

  ;; The end. A signal's exit code is what shells make of it.
  (func (export "proc_exit") (param $code i32)
    (call $exit (local.get $code))
    unreachable)
  (func (export "proc_raise") (param $signal i32) (result i32)
    (call $exit (i32.add (local.get $signal) (i32.const 128)))
    unreachable)

  ;; Files, folders and sockets: every descriptor is bad.
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8))
)
