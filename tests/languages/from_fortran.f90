! SPDX-License-Identifier: BSD-3-Clause
! libtreadle from Fortran, with arrays and sections as they are.
program from_fortran
  use, intrinsic :: iso_c_binding, only: c_bool, c_double, c_float, c_int, c_int64_t
  use treadle
  implicit none

  call whole_arrays()
  call sections()
  call reductions()
  call products()
  call linear_algebra()
  call errors()
  call choosing()
  print '(3a)', 'treadle ', treadle_version(), ' works from Fortran'

contains

  subroutine check(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what
    if (.not. holds) then
      print '(2a)', what, ': does not hold'
      error stop 1
    end if
  end subroutine check

  subroutine whole_arrays()
    real(c_double) :: x(3) = [1, 2, 3], out(3)
    real(c_double), allocatable :: grid(:, :), twice(:, :)
    integer(c_int64_t) :: whole(2) = [5_c_int64_t, -6_c_int64_t]
    complex(c_double) :: turned(2), copied(2)
    logical(c_bool) :: truth(2), same(2)
    type(treadle_used) :: used
    call treadle_binary('add', x, [10d0, 20d0, 30d0], out, used=used)
    call check(all(out == [11, 22, 33]), 'add')
    call check(len(treadle_name(used%backend)) > 0 .and. used%threads == 1, 'who ran')
    call treadle_unary('negative  ', whole, whole)
    call check(all(whole == [-5, 6]), 'negative in place, a name with blanks')
    call treadle_binary('divide', x, 3d0, out)
    call check(all(out == x / 3), 'a scalar is broadcast')
    grid = reshape([1d0, 2d0, 3d0, 4d0, 5d0, 6d0], [2, 3])
    allocate (twice(2, 3))
    call treadle_binary('add', grid, grid, twice)
    call check(all(twice == 2 * grid), 'add of matrices')
    turned = [(1d0, 2d0), (3d0, -4d0)]
    call treadle_unary('copy', turned, copied)
    call check(all(copied == turned), 'copy of complex numbers')
    call treadle_run('square', 1, x, out)
    call check(all(out == x**2), 'two operands')
    call treadle_run('multiply', 2, x, x(3:1:-1), out)
    call check(all(out == [3, 4, 3]), 'three operands')
    truth = [.true._c_bool, .false._c_bool]
    call treadle_unary('copy', truth, same)
    call check(logical(same(1) .and. .not. same(2)), 'copy of logicals')
  end subroutine whole_arrays

  subroutine sections()
    real(c_float) :: x(7) = [1, 2, 3, 4, 5, 6, 7], grid(4, 5), out(2, 2), before(4, 5)
    integer :: i
    call treadle_binary('subtract', x(7:1:-2), x(1:4), x(4:7))
    call check(all(x == [1, 2, 3, 6, 3, 0, -3]), 'reversed section, overlapping the output')
    grid = reshape([(real(i), i=1, 20)], [4, 5])
    call treadle_binary('multiply', grid(4:2:-2, 1:5:4), grid(1:2, 2:3), out)
    call check(all(out == grid(4:2:-2, 1:5:4) * grid(1:2, 2:3)), 'sections of a matrix')
    before = grid
    call treadle_unary('square', grid(2:3, 2), grid(2:4:2, 5))
    call check(all(grid(2:4:2, 5) == before(2:3, 2)**2), 'a section is written')
    grid(2:4:2, 5) = before(2:4:2, 5)
    call check(all(grid == before), 'and nothing around it')
    call treadle_unary('abs', x(1:0), x(1:0))
  end subroutine sections

  subroutine reductions()
    real(c_double) :: x(2, 3) = reshape([1, 2, 3, 4, 5, 6], [2, 3]), total, columns(3), rows(2)
    call treadle_reduce('sum', x, total)
    call check(total == 21, 'sum of all')
    call treadle_reduce('sum', x, columns, dim=1)
    call check(all(columns == sum(x, dim=1)), 'sum over dim 1')
    call treadle_reduce('max', x(:, 3:1:-1), rows, dim=2)
    call check(all(rows == maxval(x, dim=2)), 'max over dim 2 of a section')
    call treadle_reduce('mean', x, total, dim=[2, 1])
    call check(total == 3.5d0, 'mean over a list of axes')
  end subroutine reductions

  subroutine products()
    real(c_double) :: a(2, 3) = reshape([1, 2, 3, 4, 5, 6], [2, 3]), b(3, 2), c(2, 2), both
    b = transpose(a)
    call treadle_binary('matmul', a, b, c)
    call check(all(c == matmul(a, b)), 'matmul')
    call treadle_binary('matmul', a(:, 3:1:-1), b(3:1:-1, :), c)
    call check(all(c == matmul(a, b)), 'matmul of sections')
    call treadle_binary('dot', a(1, :), a(2, :), both)
    call check(both == dot_product(a(1, :), a(2, :)), 'dot of rows')
  end subroutine products

  subroutine linear_algebra()
    real(c_double) :: a(2, 2) = reshape([3, 4, 0, 5], [2, 2]), u(2, 2), s(2), vh(2, 2), x(2)
    type(treadle_backend_info) :: info
    logical :: has_blis
    integer :: i
    has_blis = .false.
    do i = 1, treadle_backend_count()
      info = treadle_backend(i)
      has_blis = has_blis .or. (info%name == 'blis' .and. info%reason == '')
    end do
    if (.not. has_blis) return
    call treadle_run('svd', 1, a, u, s, vh, flags=treadle_full_matrices)
    call check(abs(s(1) * s(2) - 15) < 1d-12 .and. s(1) > s(2), 'svd')
    call treadle_binary('solve', a, [3d0, 9d0], x)
    call check(all(abs(x - 1) < 1d-14), 'solve')
  end subroutine linear_algebra

  subroutine errors()
    real(c_double) :: x(3) = 0, out(2) = 7
    real(c_double), allocatable :: nothing(:)
    character(len=9) :: words(2) = 'words'
    character(len=200) :: message
    integer(c_int) :: stat
    call treadle_binary('add', x, x, out, stat=stat, errmsg=message)
    call check(stat == treadle_e_invalid .and. all(out == 7), 'shapes that do not fit')
    call check(len_trim(message) > 20, 'a sentence')
    print '(2a)', 'an error reads: ', trim(message)
    call treadle_unary('copy', words, words, stat=stat, errmsg=message)
    call check(stat == treadle_e_invalid .and. index(message, 'argument x') > 0, 'wrong type')
    call treadle_unary('copy', nothing, x, stat=stat, errmsg=message)
    call check(stat == treadle_e_invalid .and. index(message, 'allocated') > 0, 'unallocated')
    call treadle_reduce('sum', x, out(1), dim=2, stat=stat, errmsg=message)
    call check(stat == treadle_e_invalid .and. index(message, '1 to 1') > 0, 'dim that is not there')
    call assumed_size(x, 3)
    call treadle_binary('org.test.none', x, x, x, stat=stat)
    call check(stat == treadle_e_unsupported, 'an op that nobody has')
    call treadle_unary(repeat('x', 300), x, x, stat=stat)
    call check(stat == treadle_e_unsupported, 'a name longer than any')
    call treadle_unary('  ', x, x, stat=stat)
    call check(stat == treadle_e_invalid, 'a name of blanks alone')
    call treadle_set_backend('nonsense', stat=stat)
    call check(stat == treadle_e_invalid, 'a backend that is not there')
  end subroutine errors

  subroutine assumed_size(x, n)
    integer, intent(in) :: n
    real(c_double), intent(inout) :: x(*)
    integer(c_int) :: stat
    call treadle_unary('copy', x(1:n), x(1:n), stat=stat)
    call check(stat == treadle_ok, 'a section of an assumed-size array')
  end subroutine assumed_size

  subroutine choosing()
    real(c_double), allocatable :: x(:), y(:)
    type(treadle_used) :: used
    integer(c_int) :: stat
    allocate (x(1000000), y(1000000))
    x = 1
    call treadle_set_thread_backend('serial')
    call treadle_binary('add', x, x, y, used, stat)
    call check(stat == treadle_ok .and. all(y == 2), 'a large add')
    call check(treadle_name(used%backend) == 'serial', 'serial asked for')
    call treadle_set_thread_backend('')
    call treadle_set_num_threads(1)
    call treadle_binary('add', x, x, y, used)
    call check(used%threads == 1, 'one thread at most')
    call treadle_set_num_threads(0)
  end subroutine choosing

end program from_fortran
