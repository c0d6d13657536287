# SPDX-License-Identifier: BSD-3-Clause
# Treadle from Ruby by Fiddle: TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 ruby hello.rb
require "fiddle/import"

module Treadle
  extend Fiddle::Importer
  dlload ENV.fetch("TREADLE_LIBRARY", "libtreadle.so.0")
  operand = "void *, unsigned int, int, void *, void *"
  extern "int treadle_binary_flat(const char *, #{operand}, #{operand}, #{operand}, void *)"
  extern "int treadle_reduce_flat(const char *, #{operand}, void *, int, #{operand}, void *)"
  extern "const char *treadle_last_error()"
  extern "int treadle_set_backend(const char *)"
  extern "unsigned int treadle_backend_count()"
  extern "int treadle_backend_info(unsigned int, void *)"

  FLOAT64 = 0x14002

  # float64 in C order, in a packed String that is read and written in place.
  class Array
    attr_reader :data, :shape

    def initialize(*shape)
      count = shape.inject(1, :*)
      @data = (block_given? ? ::Array.new(count) { |i| yield i } : [0.0] * count).pack("d*")
      @shape = shape
    end

    def flat
      [@data, FLOAT64, @shape.size, @shape.pack("q*"), nil]
    end
  end

  module_function

  def check(status)
    raise ArgumentError, treadle_last_error.to_s unless status.zero?
  end

  def binary(op, x, y, out)
    used = ("\0" * 24).b # bytes: text would be indexed by characters
    check treadle_binary_flat(op, *x.flat, *y.flat, *out.flat, used)
    "#{text(used)} on #{used[16, 4].unpack1("L")}"
  end

  def sum(x)
    out = Array.new
    check treadle_reduce_flat("sum", *x.flat, nil, -1, *out.flat, nil)
    out.data.unpack1("d")
  end

  # The text that the i-th pointer of a struct leads to.
  def text(struct, i = 0)
    Fiddle::Pointer.new(struct[8 * i, 8].unpack1("Q")).to_s
  end
end

Treadle.treadle_backend_count.times do |i|
  info = ("\0" * 48).b
  Treadle.check Treadle.treadle_backend_info(i, info)
  puts "found #{Treadle.text(info)} #{Treadle.text(info, 4)}"
end
x = Treadle::Array.new(1_000_000) { |i| 1.0 + i % 7 }
y = Treadle::Array.new(1_000_000) { |i| 2.0 + i % 7 }
a = Treadle::Array.new(200, 200) { |i| 0.5 + i % 7 }
puts "the environment chose #{Treadle.binary("add", x, y, Treadle::Array.new(1_000_000))}"
results = %w[serial openmp].map do |backend|
  Treadle.check Treadle.treadle_set_backend(backend)
  out, product = Treadle::Array.new(1_000_000), Treadle::Array.new(200, 200)
  puts "add by #{Treadle.binary("add", x, y, out)}"
  puts "matmul by #{Treadle.binary("matmul", a, a, product)}"
  [out.data, product.data, Treadle.sum(out)]
end
puts "equal #{results[0] == results[1]} sum #{results[0][2]}"
begin
  Treadle.binary("add", x, y, Treadle::Array.new(3))
rescue ArgumentError => error
  puts "error #{error.message}"
end
