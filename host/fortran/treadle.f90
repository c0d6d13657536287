! SPDX-License-Identifier: BSD-3-Clause
!> libtreadle for Fortran: compile this file and treadle_fortran.c together with the program.
!>
!> Arrays are of any rank, and sections (reversed, every other element) go through as they are.
!> Types are integer of 8 to 64 bits, real and complex of 32 and 64 bits a part, logical(c_bool).
!> Axes count in Fortran's order from 1. Inputs are broadcast as in NumPy: their last axes are
!> matched first, so a column of the shape [n] meets each row of [m, n].
!>
!> Errors are Fortran's own: with `stat` it is zero or a TREADLE_E_... value, and `errmsg` gets
!> the library's sentence; without `stat` the program ends with an error stop that says it.
module treadle
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_char, c_double, c_f_pointer, &
    c_int, c_int32_t, c_null_char, c_ptr, c_size_t
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private
  public :: treadle_unary, treadle_binary, treadle_reduce, treadle_run
  public :: treadle_set_backend, treadle_set_thread_backend, treadle_set_num_threads
  public :: treadle_backend_count, treadle_backend, treadle_version, treadle_name

  !> Who served a call; treadle_name() makes text of the names.
  type, bind(c), public :: treadle_used
    type(c_ptr) :: backend
    type(c_ptr) :: variant
    integer(c_int32_t) :: threads
    integer(c_int32_t) :: fallbacks
  end type treadle_used

  !> A plugin that was found; `reason` is empty if it can be used.
  type, public :: treadle_backend_info
    character(len=:), allocatable :: name, path, version, reason
  end type treadle_backend_info

  integer(c_int), parameter, public :: treadle_ok = 0, treadle_e_failed = -1, &
    treadle_e_invalid = -3, treadle_e_nomem = -4, treadle_e_unsupported = -5, &
    treadle_e_numeric = -6, treadle_e_plugin = -7

  !> Flags of treadle_run for linear algebra.
  integer(c_int32_t), parameter, public :: treadle_full_matrices = 1, treadle_upper = 2

  interface
    !> out = op(x): negative, abs, sqrt, square, copy, cholesky, inv.
    subroutine treadle_unary(op, x, out, used, stat, errmsg) bind(c, name='treadle_fortran_unary')
      import :: c_char, c_int, treadle_used
      character(kind=c_char, len=*), intent(in) :: op
      type(*), dimension(..), intent(in) :: x
      type(*), dimension(..), intent(inout) :: out
      type(treadle_used), intent(out), optional :: used
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_unary

    !> out = op(x1, x2): add, subtract, multiply, divide, maximum, minimum, matmul, dot, solve.
    subroutine treadle_binary(op, x1, x2, out, used, stat, errmsg) &
      bind(c, name='treadle_fortran_binary')
      import :: c_char, c_int, treadle_used
      character(kind=c_char, len=*), intent(in) :: op
      type(*), dimension(..), intent(in) :: x1, x2
      type(*), dimension(..), intent(inout) :: out
      type(treadle_used), intent(out), optional :: used
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_binary

    !> out = op(x): sum, prod, min, max, mean; over the axes `dim` (one, or a list), else all.
    subroutine treadle_reduce(op, x, out, dim, used, stat, errmsg) &
      bind(c, name='treadle_fortran_reduce')
      import :: c_char, c_int, treadle_used
      character(kind=c_char, len=*), intent(in) :: op
      type(*), dimension(..), intent(in) :: x
      type(*), dimension(..), intent(inout) :: out
      integer(c_int), dimension(..), intent(in), optional :: dim
      type(treadle_used), intent(out), optional :: used
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_reduce

    !> Any operation with 2 to 4 operands, the first `nin` of them inputs.
    subroutine treadle_run(op, nin, a1, a2, a3, a4, flags, used, stat, errmsg) &
      bind(c, name='treadle_fortran_run')
      import :: c_char, c_int, c_int32_t, treadle_used
      character(kind=c_char, len=*), intent(in) :: op
      integer(c_int32_t), intent(in), value :: nin
      type(*), dimension(..), intent(inout) :: a1, a2
      type(*), dimension(..), intent(inout), optional :: a3, a4
      integer(c_int32_t), intent(in), optional :: flags
      type(treadle_used), intent(out), optional :: used
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_run

    !> For all threads: 'auto', a name, a list; '' goes back to TREADLE_BACKEND.
    subroutine treadle_set_backend(spec, stat, errmsg) bind(c, name='treadle_fortran_set_backend')
      import :: c_char, c_int
      character(kind=c_char, len=*), intent(in) :: spec
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_set_backend

    !> For the calling thread; '' ends it.
    subroutine treadle_set_thread_backend(spec, stat, errmsg) &
      bind(c, name='treadle_fortran_set_thread_backend')
      import :: c_char, c_int
      character(kind=c_char, len=*), intent(in) :: spec
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_set_thread_backend

    !> Most threads a call may use; 0 goes back to the limits of environment and machine.
    subroutine treadle_set_num_threads(threads, stat, errmsg) &
      bind(c, name='treadle_fortran_set_num_threads')
      import :: c_char, c_int, c_int32_t
      integer(c_int32_t), intent(in), value :: threads
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine treadle_set_num_threads

    !> Number of plugins found.
    integer(c_int32_t) function treadle_backend_count() bind(c, name='treadle_backend_count')
      import :: c_int32_t
    end function treadle_backend_count

    integer(c_int) function backend_texts(i, texts) bind(c, name='treadle_fortran_backend')
      import :: c_int, c_int32_t, c_ptr
      integer(c_int32_t), intent(in), value :: i
      type(c_ptr), intent(out) :: texts(4)
    end function backend_texts

    type(c_ptr) function version_text() bind(c, name='treadle_version')
      import :: c_ptr
    end function version_text

    integer(c_size_t) function length_of(text) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      type(c_ptr), intent(in), value :: text
    end function length_of
  end interface

contains

  !> The text of a name that the library hands out.
  function treadle_name(text) result(name)
    type(c_ptr), intent(in) :: text
    character(len=:), allocatable :: name
    character(kind=c_char), pointer :: letters(:)
    integer :: i
    if (.not. c_associated(text)) then
      name = ''
      return
    end if
    call c_f_pointer(text, letters, [length_of(text)])
    allocate (character(len=size(letters)) :: name)
    do i = 1, size(letters)
      name(i:i) = letters(i)
    end do
  end function treadle_name

  function treadle_version() result(version)
    character(len=:), allocatable :: version
    version = treadle_name(version_text())
  end function treadle_version

  !> Facts on plugin i, from 1 to treadle_backend_count().
  function treadle_backend(i) result(info)
    integer, intent(in) :: i
    type(treadle_backend_info) :: info
    type(c_ptr) :: texts(4)
    if (backend_texts(int(i - 1, c_int32_t), texts) /= 0) then
      error stop 'treadle_backend: i must be from 1 to treadle_backend_count()'
    end if
    info%name = treadle_name(texts(1))
    info%path = treadle_name(texts(2))
    info%version = treadle_name(texts(3))
    info%reason = treadle_name(texts(4))
  end function treadle_backend

  !> For treadle_fortran.c: the end of a failed call that has no `stat`.
  subroutine stop_with(sentence) bind(c, name='treadle_fortran_stop')
    type(c_ptr), intent(in), value :: sentence
    write (error_unit, '(a)') treadle_name(sentence)
    error stop 1
  end subroutine stop_with

end module treadle
