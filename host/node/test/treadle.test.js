// SPDX-License-Identifier: BSD-3-Clause
'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const treadle = require('..');

const f64 = (...values) => Float64Array.from(values);

test('typed arrays are read and written in place', () => {
    const out = new Float64Array(3);
    const used = treadle.add(f64(1, 2, 3), f64(10, 20, 30), out);
    assert.deepEqual(out, f64(11, 22, 33));
    assert.equal(used.threads, 1);
    assert.equal(typeof used.backend, 'string');
    const whole = BigInt64Array.of(5n, -6n);
    treadle.negative(whole, whole);
    assert.deepEqual(whole, BigInt64Array.of(-5n, 6n));
    treadle.sqrt(new Float64Array(0), new Float64Array(0));
    const tail = new Float64Array(new ArrayBuffer(40), 16, 2);
    treadle.copy(f64(8, 9), tail);
    assert.deepEqual(new Float64Array(tail.buffer), f64(0, 0, 8, 9, 0));
    const shared = new Float64Array(new SharedArrayBuffer(16));
    treadle.square(f64(2, 3), shared);
    assert.deepEqual([...shared], [4, 9]);
});

test('arrays have a shape, byte strides and an offset', () => {
    const x = f64(1, 2, 3, 4, 5, 6);
    const wide = treadle.array(x, { shape: [2, 3] });
    const out = new Float64Array(3);
    treadle.sum(wide, out, 0);
    assert.deepEqual(out, f64(5, 7, 9));
    treadle.sum(wide.transpose(), out, [-1]);
    assert.deepEqual(out, f64(5, 7, 9));
    treadle.copy(treadle.array(x, { shape: [3], strides: [-16], offset: 40 }), out);
    assert.deepEqual(out, f64(6, 4, 2));
    treadle.maximum(wide, treadle.array(f64(3), { shape: [] }), treadle.array(x, { shape: [2, 3] }));
    assert.deepEqual(x, f64(3, 3, 3, 4, 5, 6));
    const square = new Float64Array(4);
    const a = treadle.array(f64(1, 2, 3, 4, 5, 6), { shape: [2, 3] });
    treadle.matmul(a, a.transpose(), treadle.array(square, { shape: [2, 2] }));
    assert.deepEqual(square, f64(14, 32, 32, 77));
    const turn = treadle.array(f64(0, 1, 2, 0), { shape: [2], dtype: 'complex128' });
    const product = new Float64Array(2);
    treadle.dot(turn, turn, treadle.array(product, { shape: [], dtype: 'complex128' }));
    assert.deepEqual(product, f64(3, 0));
});

test('reductions without an output return a number', () => {
    assert.equal(treadle.sum(f64(4, 1, 9)), 14);
    assert.equal(treadle.max(Int32Array.of(4, 1, 9)), 9);
    assert.equal(treadle.mean(Int32Array.of(1, 2)), 1.5);
    assert.equal(treadle.sum(BigInt64Array.of(1n, 2n)), 3n);
});

test('any operation runs, and is explained', () => {
    const out = new Float64Array(2);
    treadle.run('subtract', [f64(3, 4), f64(1, 1)], [out]);
    assert.deepEqual(out, f64(2, 3));
    const decision = treadle.explain('add', [out, out], [out]);
    assert.equal(decision.granted, 1);
    assert.ok(decision.reason.length > 0);
    if (treadle.backends().some((backend) => backend.name === 'blis' && !backend.reason)) {
        const square = (...values) => treadle.array(f64(...values), { shape: [2, 2] });
        const [u, s, vh] = [square(0, 0, 0, 0), new Float64Array(2), square(0, 0, 0, 0)];
        treadle.run('svd', [square(3, 0, 4, 5)], [u, s, vh], treadle.FULL_MATRICES);
        assert.ok(Math.abs(s[0] * s[1] - 15) < 1e-12);
    }
});

test('errors have the sentence and a code', () => {
    const out = f64(7, 7);
    assert.throws(
        () => treadle.add(f64(1, 2, 3), f64(1, 2, 3), out),
        (error) =>
            error instanceof treadle.TreadleError &&
            error.code === 'TREADLE_INVALID' &&
            /add: input 1/.test(error.message)
    );
    assert.deepEqual(out, f64(7, 7));
    assert.throws(() => treadle.unary('org.test.none', out, out), { code: 'TREADLE_UNSUPPORTED' });
    assert.throws(() => treadle.setBackend('nonsense'), { code: 'TREADLE_INVALID' });
    assert.throws(() => treadle.sum(out, f64(0), 3), /axes/);
    for (const flags of [0, 1]) assert.throws(() => treadle.run('loop', [out], [out], flags));
});

test('arrays outside of their memory are refused', () => {
    const x = f64(1, 2, 3);
    for (const options of [
        { shape: [4] },
        { shape: [2], strides: [24] },
        { shape: [2], strides: [-8] },
        { shape: [1], offset: 24 },
        { shape: [1], offset: -8 },
        { shape: [-1] },
        { shape: [2 ** 40, 2 ** 40] },
        { shape: [1.5] },
        { shape: [2, 1], strides: [8] },
        { shape: new Array(65).fill(1) },
        { dtype: 'float80' },
        { shape: [2], dtype: 'complex128' },
    ])
        assert.throws(() => treadle.array(x, options), treadle.TreadleError, JSON.stringify(options));
    assert.throws(() => treadle.array([1, 2, 3]), /TypedArray/);
    assert.throws(() => treadle.add([1], [2], x), /TypedArray/);
    treadle.copy(treadle.array(x, { shape: [3, 0, 2 ** 40] }), treadle.array(x, { shape: [3, 0, 2 ** 40] }));
});

test('memory that was transferred away is noticed', () => {
    const x = treadle.array(f64(1, 2, 3));
    treadle.negative(x, x);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer] });
    assert.throws(() => treadle.negative(x, x), /transferred/);
});

test('asynchronous calls run elsewhere, several at once', async () => {
    const n = 300000;
    const x = new Float64Array(n).fill(1.5);
    const outs = Array.from({ length: 6 }, () => new Float64Array(n));
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const all = await Promise.all(outs.map((out) => treadle.async.add(x, x, out)));
    clearInterval(counting);
    assert.ok(all.every((used) => used.threads >= 1 && used.backend));
    assert.ok(outs.every((out) => out.every((value) => value === 3)));
    const columns = new Float64Array(3);
    const wide = treadle.array(f64(1, 2, 3, 4, 5, 6), { shape: [2, 3] });
    await treadle.async.sum(wide, columns, 0);
    assert.deepEqual(columns, f64(5, 7, 9));
    const total = treadle.array(new Float64Array(1), { shape: [] });
    await treadle.async.sum(wide, total);
    assert.equal(total.data[0], 21);
});

test('each asynchronous failure has its own sentence', async () => {
    const out = new Float64Array(2);
    const failures = await Promise.allSettled([
        treadle.async.add(f64(1, 2, 3), f64(1, 2, 3), out),
        treadle.async.sum(f64(1), out, 7),
        treadle.async.unary('org.test.none', out, out),
        treadle.async.add([1], out, out),
    ]);
    const words = [/add: input 1/, /axes: 7/, /org.test.none/, /TypedArray/];
    failures.forEach(({ reason }, i) => assert.match(reason.message, words[i]));
});

test('backends are chosen for a block', () => {
    const x = new Float64Array(1000000).fill(1);
    treadle.using('auto', () => {
        treadle.using('serial', () => {
            const used = treadle.add(x, x, x);
            assert.deepEqual([used.backend, used.threads], ['serial', 1]);
        });
        assert.throws(() => treadle.using('nonsense', () => 0), /nonsense/);
    });
    assert.ok(x.every((value) => value === 2));
    assert.equal(treadle.backends()[0].name, 'serial');
    assert.ok(treadle.getNumThreads() >= 1);
    treadle.setNumThreads(0);
    assert.match(treadle.version(), /^\d+\.\d+\.\d+$/);
});

test('worker threads load it too', async () => {
    const program = `
        const treadle = require(${JSON.stringify(require.resolve('..'))});
        require('node:worker_threads').parentPort.postMessage(treadle.sum(Float64Array.of(1, 2)));`;
    const worker = new Worker(program, { eval: true });
    const said = await new Promise((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
    });
    assert.equal(said, 3);
});
