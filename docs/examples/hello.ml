(* SPDX-License-Identifier: BSD-3-Clause *)
(* Treadle from OCaml by ctypes: ocamlfind ocamlopt -thread -package ctypes.foreign,threads.posix -linkpkg hello.ml -o hello
   TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 ./hello *)
open Ctypes

let library =
  let name = Option.value (Sys.getenv_opt "TREADLE_LIBRARY") ~default:"libtreadle.so.0" in
  Dl.dlopen ~filename:name ~flags:[ Dl.RTLD_NOW ]

let foreign name typ = Foreign.foreign ~from:library name typ

(* An array is data, type, number of axes, shape, strides (null for C order). *)
let with_array result =
  ptr void @-> uint32_t @-> int32_t @-> ptr int64_t @-> ptr int64_t @-> result

type used

let used : used structure typ = structure "treadle_used"
let used_backend = field used "backend" string
let _ = field used "variant" (ptr char)
let used_threads = field used "threads" uint32_t
let _ = field used "fallbacks" uint32_t
let () = seal used

type info

let info : info structure typ = structure "treadle_backend_info"
let info_name = field info "name" string
let _ = field info "path" (ptr char)
let _ = field info "version" (ptr char)
let _ = field info "vendor" (ptr char)
let info_reason = field info "reason" string
let _ = field info "flags" uint64_t
let () = seal info

let binary_flat =
  foreign "treadle_binary_flat"
    (string @-> with_array (with_array (with_array (ptr used @-> returning int32_t))))

let reduce_flat =
  foreign "treadle_reduce_flat"
    (string @-> with_array (ptr int32_t @-> int32_t @-> with_array (ptr used @-> returning int32_t)))

let last_error = foreign "treadle_last_error" (void @-> returning string)
let set_backend = foreign "treadle_set_backend" (string @-> returning int32_t)
let backend_count = foreign "treadle_backend_count" (void @-> returning uint32_t)
let backend_info = foreign "treadle_backend_info" (uint32_t @-> ptr info @-> returning int32_t)
let float64 = Unsigned.UInt32.of_int 0x14002

type nd = {
  values : (float, Bigarray.float64_elt, Bigarray.c_layout) Bigarray.Array1.t;
  axes : int;
  shape : int64 CArray.t;
}

(* float64 in C order: a Bigarray's memory stays where it is. *)
let array ?(start = 0.) extents =
  let count = List.fold_left ( * ) 1 extents in
  let value i = if start = 0. then 0. else start +. float_of_int (i mod 7) in
  {
    values = Bigarray.(Array1.init float64 c_layout count value);
    axes = List.length extents;
    shape = CArray.of_list int64_t (List.map Int64.of_int extents);
  }

let flat call x =
  call
    (to_voidp (bigarray_start array1 x.values))
    float64 (Int32.of_int x.axes) (CArray.start x.shape)
    (from_voidp int64_t null)

(* Arguments are evaluated in no fixed order: the status is there before the sentence is read. *)
let check status = if status <> 0l then failwith (last_error ())

let binary op x y out =
  let who = make used in
  let call = flat (flat (flat (binary_flat op) x) y) out in
  check (call (addr who));
  Printf.sprintf "%s on %s" (getf who used_backend)
    (Unsigned.UInt32.to_string (getf who used_threads))

let sum x =
  let out = array [] in
  let call = flat (reduce_flat "sum") x (from_voidp int32_t null) (-1l) in
  check (flat call out (from_voidp used null));
  out.values.{0}

let () =
  for i = 0 to Unsigned.UInt32.to_int (backend_count ()) - 1 do
    let found = make info in
    check (backend_info (Unsigned.UInt32.of_int i) (addr found));
    Printf.printf "found %s %s\n" (getf found info_name) (getf found info_reason)
  done;
  let x = array ~start:1. [ 1000000 ] and y = array ~start:2. [ 1000000 ] in
  let a = array ~start:0.5 [ 200; 200 ] in
  Printf.printf "the environment chose %s\n" (binary "add" x y (array [ 1000000 ]));
  let run backend =
    check (set_backend backend);
    let out = array [ 1000000 ] and product = array [ 200; 200 ] in
    Printf.printf "add by %s\n" (binary "add" x y out);
    Printf.printf "matmul by %s\n" (binary "matmul" a a product);
    (out.values, product.values, sum out)
  in
  let serial = run "serial" in
  let openmp = run "openmp" in
  let _, _, total = serial in
  Printf.printf "equal %b sum %.0f\n" (serial = openmp) total;
  try ignore (binary "add" x y (array [ 3 ]))
  with Failure message -> Printf.printf "error %s\n" message
