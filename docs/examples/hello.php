<?php
// SPDX-License-Identifier: BSD-3-Clause
// Treadle from PHP by FFI: php -d ffi.enable=1 hello.php PREFIX/include/treadle/treadle_cdef.h PREFIX/lib/libtreadle.so.0
declare(strict_types=1);
$c = FFI::cdef(file_get_contents($argv[1]), $argv[2]);

/** float64 in C order. */
final class NdArray
{
    public readonly FFI\CData $data;
    public readonly ?FFI\CData $shape;
    public readonly int $count, $axes;

    public function __construct(FFI $c, int ...$extents)
    {
        $this->axes = count($extents);
        $this->count = (int) array_product($extents);
        $this->data = $c->new("double[$this->count]");
        $this->shape = $this->axes ? $c->new("int64_t[$this->axes]") : null;
        foreach ($extents as $axis => $extent) {
            $this->shape[$axis] = $extent;
        }
    }

    public function fill(float $value): self
    {
        for ($i = 0; $i < $this->count; $i++) {
            $this->data[$i] = $value + $i % 7;
        }
        return $this;
    }

    /** The five arguments of an array. */
    public function flat(FFI $c): array
    {
        return [$this->data, $c->TREADLE_TYPE_FLOAT64, $this->axes, $this->shape, null];
    }
}

function check(FFI $c, int $status): void
{
    if ($status !== 0) {
        throw new InvalidArgumentException($c->treadle_last_error());
    }
}

function text(FFI\CData|string $letters): string
{
    return is_string($letters) ? $letters : FFI::string($letters);
}

function binary(FFI $c, string $op, NdArray $x, NdArray $y, NdArray $out): string
{
    $used = $c->new('struct treadle_used');
    check($c, $c->treadle_binary_flat($op, ...$x->flat($c), ...$y->flat($c), ...[...$out->flat($c), FFI::addr($used)]));
    return text($used->backend) . " on $used->threads";
}

function sum(FFI $c, NdArray $x): float
{
    $out = new NdArray($c);
    check($c, $c->treadle_reduce_flat('sum', ...$x->flat($c), ...[null, -1, ...$out->flat($c), null]));
    return $out->data[0];
}

for ($i = 0; $i < $c->treadle_backend_count(); $i++) {
    $info = $c->new('struct treadle_backend_info');
    check($c, $c->treadle_backend_info($i, FFI::addr($info)));
    echo 'found ', text($info->name), ' ', text($info->reason), "\n";
}
[$x, $y] = [(new NdArray($c, 1000000))->fill(1), (new NdArray($c, 1000000))->fill(2)];
$a = (new NdArray($c, 200, 200))->fill(0.5);
[$out, $product] = [new NdArray($c, 1000000), new NdArray($c, 200, 200)];
echo 'the environment chose ', binary($c, 'add', $x, $y, $out), "\n";
$results = [];
foreach (['serial', 'openmp'] as $backend) {
    check($c, $c->treadle_set_backend($backend));
    echo 'add by ', binary($c, 'add', $x, $y, $out), "\n";
    echo 'matmul by ', binary($c, 'matmul', $a, $a, $product), "\n";
    $results[] = [FFI::string($out->data, 8000000), FFI::string($product->data, 320000), sum($c, $out)];
}
echo 'equal ', json_encode($results[0] === $results[1]), ' sum ', $results[0][2], "\n";
try {
    binary($c, 'add', $x, $y, new NdArray($c, 3));
} catch (InvalidArgumentException $error) {
    echo 'error ', $error->getMessage(), "\n";
}
