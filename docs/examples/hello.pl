# SPDX-License-Identifier: BSD-3-Clause
# Treadle from Perl by FFI::Platypus: TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 perl hello.pl
use strict;
use warnings;
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(scalar_to_pointer);

my $ffi = FFI::Platypus->new(api => 2, lib => $ENV{TREADLE_LIBRARY} // 'libtreadle.so.0');
my @operand = qw(opaque uint32 sint32 opaque opaque);
$ffi->attach(treadle_binary_flat => ['string', (@operand) x 3, 'opaque'] => 'sint32');
$ffi->attach(treadle_reduce_flat => ['string', @operand, 'opaque', 'sint32', @operand, 'opaque'] => 'sint32');
$ffi->attach(treadle_last_error => [] => 'string');
$ffi->attach(treadle_set_backend => ['string'] => 'sint32');
$ffi->attach(treadle_backend_count => [] => 'uint32');
$ffi->attach(treadle_backend_info => ['uint32', 'opaque'] => 'sint32');
use constant FLOAT64 => 0x14002;

# float64 in C order, in a packed scalar that is read and written in place.
sub array {
    my ($value, @shape) = @_;
    my $count = 1;
    $count *= $_ for @shape;
    my $data = pack 'd*', map { defined $value ? $value + $_ % 7 : 0 } 0 .. $count - 1;
    return {data => $data, axes => scalar @shape, shape => pack('q*', @shape)};
}

# The five arguments of an array.
sub flat {
    my ($x) = @_;
    return (scalar_to_pointer($x->{data}), FLOAT64, $x->{axes}, scalar_to_pointer($x->{shape}), undef);
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
    my $used = "\0" x 24;
    check(treadle_binary_flat($op, flat($x), flat($y), flat($out), scalar_to_pointer($used)));
    return text($used, 0) . ' on ' . unpack 'L', substr $used, 16, 4;
}

sub sum {
    my ($x) = @_;
    my $out = array(undef);
    check(treadle_reduce_flat('sum', flat($x), undef, -1, flat($out), undef));
    return unpack 'd', $out->{data};
}

for my $i (0 .. treadle_backend_count() - 1) {
    my $info = "\0" x 48;
    check(treadle_backend_info($i, scalar_to_pointer($info)));
    print 'found ', text($info, 0), ' ', text($info, 4), "\n";
}
my ($x, $y, $m) = (array(1, 1000000), array(2, 1000000), array(0.5, 200, 200));
print 'the environment chose ', binary('add', $x, $y, array(undef, 1000000)), "\n";
my @results;
for my $backend (qw(serial openmp)) {
    check(treadle_set_backend($backend));
    my ($out, $product) = (array(undef, 1000000), array(undef, 200, 200));
    print 'add by ', binary('add', $x, $y, $out), "\n";
    print 'matmul by ', binary('matmul', $m, $m, $product), "\n";
    push @results, $out->{data} . $product->{data} . sum($out);
}
print 'equal ', ($results[0] eq $results[1] ? 'true' : 'false'), ' sum ', substr($results[0], 8320000), "\n";
eval { binary('add', $x, $y, array(undef, 3)) } or print "error $@";
