;; SPDX-License-Identifier: BSD-3-Clause
;; Treadle from Guile 3 by (system foreign): TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 guile hello.scm
(use-modules (ice-9 format) (rnrs bytevectors) (srfi srfi-9) (system foreign) (system foreign-library))

(define library
  (load-foreign-library (or (getenv "TREADLE_LIBRARY") "libtreadle.so.0")))

(define (foreign name result . arguments)
  (foreign-library-function library name #:return-type result #:arg-types arguments))

;; An array is data, type, number of axes, shape, strides (null for C order).
(define operand (list '* uint32 int32 '* '*))
(define binary-flat
  (apply foreign "treadle_binary_flat" int32 '* (append operand operand operand '(*))))
(define reduce-flat
  (apply foreign "treadle_reduce_flat" int32 '* (append operand (list '* int32) operand '(*))))
(define last-error (foreign "treadle_last_error" '*))
(define set-backend (foreign "treadle_set_backend" int32 '*))
(define backend-count (foreign "treadle_backend_count" uint32))
(define backend-info (foreign "treadle_backend_info" int32 uint32 '*))
(define float64 #x14002)

;; float64 in C order: the bytes of a bytevector stay where they are.
(define-record-type <array>
  (make-array data shape)
  array?
  (data array-data)
  (shape array-shape))

(define (array . shape)
  (make-array (make-bytevector (* 8 (apply * shape)) 0) shape))

(define (fill x value)
  (let ((data (array-data x)))
    (do ((i 0 (1+ i))) ((= i (/ (bytevector-length data) 8)) x)
      (bytevector-ieee-double-native-set! data (* 8 i) (+ value (modulo i 7))))))

(define (flat x)
  (list (bytevector->pointer (array-data x))
        float64
        (length (array-shape x))
        (if (null? (array-shape x))
            %null-pointer
            (bytevector->pointer (sint-list->bytevector (array-shape x) (native-endianness) 8)))
        %null-pointer))

(define (check status)
  (unless (zero? status)
    (throw 'treadle (pointer->string (last-error)))))

;; The text that the i-th pointer of a struct leads to.
(define (text struct i)
  (pointer->string (make-pointer (bytevector-u64-native-ref struct (* 8 i)))))

(define (binary op x y out)
  (let ((used (make-bytevector 24 0)))
    (check (apply binary-flat (string->pointer op)
                  (append (flat x) (flat y) (flat out) (list (bytevector->pointer used)))))
    (format #f "~a on ~d" (text used 0) (bytevector-u32-native-ref used 16))))

(define (sum x)
  (let ((out (array)))
    (check (apply reduce-flat (string->pointer "sum")
                  (append (flat x) (list %null-pointer -1) (flat out) (list %null-pointer))))
    (bytevector-ieee-double-native-ref (array-data out) 0)))

(do ((i 0 (1+ i))) ((= i (backend-count)))
  (let ((info (make-bytevector 48 0)))
    (check (backend-info i (bytevector->pointer info)))
    (format #t "found ~a ~a~%" (text info 0) (text info 4))))

(define x (fill (array 1000000) 1.0))
(define y (fill (array 1000000) 2.0))
(define a (fill (array 200 200) 0.5))
(format #t "the environment chose ~a~%" (binary "add" x y (array 1000000)))

(define (run backend)
  (check (set-backend (string->pointer backend)))
  (let ((out (array 1000000)) (product (array 200 200)))
    (format #t "add by ~a~%" (binary "add" x y out))
    (format #t "matmul by ~a~%" (binary "matmul" a a product))
    (list (array-data out) (array-data product) (sum out))))

(let* ((serial (run "serial")) (openmp (run "openmp")))
  (format #t "equal ~a sum ~d~%"
          (if (equal? serial openmp) "true" "false")
          (inexact->exact (list-ref serial 2))))
(catch 'treadle
  (lambda () (binary "add" x y (array 3)))
  (lambda (key message) (format #t "error ~a~%" message)))
