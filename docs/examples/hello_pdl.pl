# SPDX-License-Identifier: BSD-3-Clause
# Treadle from Perl's PDL by FFI::Platypus: TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 perl hello_pdl.pl
use strict;
use warnings;
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(scalar_to_pointer);
use PDL;

my $ffi = FFI::Platypus->new(api => 2, lib => $ENV{TREADLE_LIBRARY} // 'libtreadle.so.0');
my @operand = qw(opaque uint32 sint32 opaque opaque);
$ffi->attach(treadle_binary_flat => ['string', (@operand) x 3, 'opaque'] => 'sint32');
$ffi->attach(treadle_reduce_flat => ['string', @operand, 'opaque', 'sint32', @operand, 'opaque'] => 'sint32');
$ffi->attach(treadle_last_error => [] => 'string');
$ffi->attach(treadle_set_backend => ['string'] => 'sint32');
$ffi->attach(treadle_backend_count => [] => 'uint32');
$ffi->attach(treadle_backend_info => ['uint32', 'opaque'] => 'sint32');
use constant FLOAT64 => 0x14002;

# The five arguments of a piddle: its own memory. PDL's first dimension is the one with the smallest stride, so a
# matrix of c columns and r rows, dims (c, r), is of shape (r, c). A slice is made physical, which copies it.
# What `parts` has packed must live until the call is over: `keep` holds it.
sub parts {
    my ($x, $keep) = @_;
    $x->make_physical;
    push @$keep, pack 'q*', reverse $x->dims;
    return (scalar_to_pointer(${$x->get_dataref}), FLOAT64, $x->ndims, scalar_to_pointer($keep->[-1]), undef);
}

sub check {
    my ($status) = @_;
    die treadle_last_error() . "\n" if $status != 0;
}

# The text that the i-th pointer of a struct leads to.
sub text {
    my ($struct, $i) = @_;
    return $ffi->cast(opaque => 'string', unpack 'Q', substr $struct, 8 * $i, 8);
}

sub binary {
    my ($op, $x, $y, $out) = @_;
    my ($used, @keep) = ("\0" x 24);
    check(treadle_binary_flat($op, (map { parts($_, \@keep) } $x, $y, $out), scalar_to_pointer($used)));
    $out->upd_data;
    return text($used, 0) . ' on ' . unpack 'L', substr $used, 16, 4;
}

sub total {
    my ($x) = @_;
    my ($out, @keep) = (zeroes(double));
    check(treadle_reduce_flat('sum', parts($x, \@keep), undef, -1, parts($out, \@keep), undef));
    $out->upd_data;
    return $out;
}

for my $i (0 .. treadle_backend_count() - 1) {
    my $info = "\0" x 48;
    check(treadle_backend_info($i, scalar_to_pointer($info)));
    print 'found ', text($info, 0), ' ', text($info, 4), "\n";
}
my ($x, $y) = map { $_ + sequence(double, 1000000) % 7 } 1, 2;
my $m = 0.5 + sequence(double, 200, 200) % 7;
print 'the environment chose ', binary('add', $x, $y, zeroes(double, 1000000)), "\n";
my @results;
for my $backend (qw(serial openmp)) {
    check(treadle_set_backend($backend));
    my ($out, $product) = (zeroes(double, 1000000), zeroes(double, 200, 200));
    print 'add by ', binary('add', $x, $y, $out), "\n";
    print 'matmul by ', binary('matmul', $m, $m, $product), "\n";
    die 'not the product' unless all approx($product, $m x $m);
    push @results, [$out, $product, total($out)];
}
my $equal = !grep { !all($results[0][$_] == $results[1][$_]) } 0 .. 2;
print 'equal ', ($equal ? 'true' : 'false'), " sum $results[0][2]\n";
eval { binary('add', $x, $y, zeroes(double, 3)) } or print "error $@";
