% SPDX-License-Identifier: BSD-3-Clause
% Treadle from Octave by a mex file:
%     mkoctfile --mex $(pkg-config --cflags --libs treadle) hello_octave.c
%     octave --no-gui hello.m
found = hello_octave('backends');
printf('found %s\n', found{:});
x = 1 + mod(0:999999, 7);
y = x + 1;
a = 0.5 + mod(reshape(0:39999, 200, 200), 7);
[out, backend, threads] = hello_octave('add', x, y, size(x));
printf('the environment chose %s on %d\n', backend, threads);
choices = {'serial', 'openmp'};
results = cell(1, 2);
for i = 1:2
  hello_octave('use', choices{i});
  [out, backend, threads] = hello_octave('add', x, y, size(x));
  printf('add by %s on %d\n', backend, threads);
  [product, backend, threads] = hello_octave('matmul', a, a, size(a));
  printf('matmul by %s on %d\n', backend, threads);
  assert(product, a * a, 1e-12 * max(a(:)));
  results{i} = {out, product, hello_octave('sum', out)};
end
printf('equal %s sum %d\n', {'false', 'true'}{1 + isequal(results{:})}, results{1}{3});
try
  hello_octave('add', x, y, [1, 3]);
catch problem
  printf('error %s\n', strrep(problem.message, 'hello_octave: ', ''));
end
