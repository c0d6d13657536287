;;;; SPDX-License-Identifier: BSD-3-Clause
;;;; Treadle from SBCL by sb-alien: TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 sbcl --script hello.lisp
(use-package :sb-alien)
(load-shared-object (or (posix-getenv "TREADLE_LIBRARY") "libtreadle.so.0"))

(defconstant +float64+ #x14002)
(defvar +null+ (sb-sys:int-sap 0))

(define-alien-type nil
    (struct used (backend c-string) (variant c-string) (threads unsigned-int) (fallbacks unsigned-int)))
(define-alien-type nil
    (struct info (name c-string) (path c-string) (version c-string) (vendor c-string) (reason c-string)
            (flags unsigned-long)))

;; An array is data, type, number of axes, shape, strides (null for C order).
(define-alien-routine "treadle_binary_flat" int
  (op c-string)
  (x system-area-pointer) (x-type unsigned-int) (x-axes int) (x-shape system-area-pointer)
  (x-strides system-area-pointer)
  (y system-area-pointer) (y-type unsigned-int) (y-axes int) (y-shape system-area-pointer)
  (y-strides system-area-pointer)
  (out system-area-pointer) (out-type unsigned-int) (out-axes int) (out-shape system-area-pointer)
  (out-strides system-area-pointer)
  (used (* (struct used))))
(define-alien-routine "treadle_reduce_flat" int
  (op c-string)
  (x system-area-pointer) (x-type unsigned-int) (x-axes int) (x-shape system-area-pointer)
  (x-strides system-area-pointer)
  (axes system-area-pointer) (count int)
  (out system-area-pointer) (out-type unsigned-int) (out-axes int) (out-shape system-area-pointer)
  (out-strides system-area-pointer)
  (used (* (struct used))))
(define-alien-routine "treadle_last_error" c-string)
(define-alien-routine "treadle_set_backend" int (spec c-string))
(define-alien-routine "treadle_backend_count" unsigned-int)
(define-alien-routine "treadle_backend_info" int (i unsigned-int) (info (* (struct info))))

(defstruct nd
  (data nil :type (simple-array double-float (*)))
  (shape nil :type (simple-array (signed-byte 64) (*))))

(defun zeros (&rest shape)
  (make-nd :data (make-array (apply #'* shape) :element-type 'double-float :initial-element 0d0)
           :shape (coerce shape '(simple-array (signed-byte 64) (*)))))

(defun filled (value &rest shape)
  (let ((x (apply #'zeros shape)))
    (dotimes (i (length (nd-data x)) x)
      (setf (aref (nd-data x) i) (+ value (mod i 7))))))

;; The five arguments of an array, which the collector must not move meanwhile.
(defun parts (x)
  (values (sb-sys:vector-sap (nd-data x)) +float64+ (length (nd-shape x)) (sb-sys:vector-sap (nd-shape x)) +null+))

;; Lisp's floating-point traps are off in a call: a NaN or an infinity is a result like others.
(defmacro calling (arrays call)
  `(sb-sys:with-pinned-objects (,@(loop for x in arrays append `((nd-data ,x) (nd-shape ,x))))
     (unless (zerop (sb-int:with-float-traps-masked (:invalid :divide-by-zero :overflow :inexact) ,call))
       (error (treadle-last-error)))))

(defun binary (op x y out)
  (with-alien ((used (struct used)))
    (calling (x y out)
      (multiple-value-call #'treadle-binary-flat op (parts x) (parts y) (parts out) (addr used)))
    (format nil "~a on ~d" (slot used 'backend) (slot used 'threads))))

(defun sum (x)
  (let ((out (zeros)))
    (with-alien ((used (struct used)))
      (calling (x out)
        (multiple-value-call #'treadle-reduce-flat "sum" (parts x) +null+ -1 (parts out) (addr used))))
    (aref (nd-data out) 0)))

(defun run (backend x y a)
  (treadle-set-backend backend)
  (let ((out (zeros 1000000)) (product (zeros 200 200)))
    (format t "add by ~a~%" (binary "add" x y out))
    (format t "matmul by ~a~%" (binary "matmul" a a product))
    (list (nd-data out) (nd-data product) (sum out))))

(dotimes (i (treadle-backend-count))
  (with-alien ((info (struct info)))
    (treadle-backend-info i (addr info))
    (format t "found ~a ~a~%" (slot info 'name) (slot info 'reason))))
(let ((x (filled 1d0 1000000)) (y (filled 2d0 1000000)) (a (filled 0.5d0 200 200)))
  (format t "the environment chose ~a~%" (binary "add" x y (zeros 1000000)))
  (let ((serial (run "serial" x y a)) (openmp (run "openmp" x y a)))
    (format t "equal ~:[false~;true~] sum ~d~%" (equalp serial openmp) (round (third serial))))
  (handler-case (binary "add" x y (zeros 3))
    (error (condition) (format t "error ~a~%" condition))))
