! SPDX-License-Identifier: BSD-3-Clause
! Nanoseconds of one tiny call through the Fortran module.
program cost
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use treadle
  implicit none
  integer, parameter :: calls = 300000
  real(real64) :: x(8) = 1, y(8) = 2, out(8)
  type(treadle_used) :: used
  integer(int64) :: start, finish, rate
  integer :: i
  call treadle_binary('add', x, y, out, used)
  call system_clock(start, rate)
  do i = 1, calls
    call treadle_binary('add', x, y, out, used)
  end do
  call system_clock(finish)
  print '(f0.2)', real(finish - start, real64) * 1e9_real64 / real(rate, real64) / calls
end program cost
