// SPDX-License-Identifier: BSD-3-Clause
// libtreadle for Node: TypedArrays with a shape and byte strides, without copies.
//
// An array's description, struct treadle_array, is made once and handed over by its address: a call
// passes five pointers. What it points to is kept alive by the NdArray, and each call looks whether
// the buffer is still as long as it was.
'use strict';
const koffi = require('koffi');

const library = koffi.load(process.env.TREADLE_LIBRARY || 'libtreadle.so.0');

const c = {
    binary: library.func(
        'int32_t treadle_binary(void *op, void *x1, void *x2, void *out, void *used)'
    ),
    unary: library.func('int32_t treadle_unary(void *op, void *x, void *out, void *used)'),
    reduce: library.func(
        'int32_t treadle_reduce(void *op, void *x, void *axes, int32_t naxes, void *out, void *used)'
    ),
    run: library.func(
        'int32_t treadle_run(void *op, void *args, uint32_t nargs, uint32_t nin, void *attrs, void *used)'
    ),
    runWithMessage: library.func(
        'int32_t treadle_run_flat_with_message(void *op, uint32_t nargs, uint32_t nin, void *data, ' +
            'void *dtypes, void *ndims, void *shapes, void *strides, uint32_t flags, void *axes, ' +
            'int32_t naxes, void *used, void *message, uint64_t capacity)'
    ),
    explain: library.func(
        'int32_t treadle_explain(void *op, void *args, uint32_t nargs, uint32_t nin, void *attrs, ' +
            'uint32_t callers, void *decision)'
    ),
    lastError: library.func('const char *treadle_last_error()'),
    version: library.func('const char *treadle_version()'),
    backendCount: library.func('uint32_t treadle_backend_count()'),
    backendInfo: library.func('int32_t treadle_backend_info(uint32_t i, void *info)'),
    setBackend: library.func('int32_t treadle_set_backend(const char *spec)'),
    setThreadBackend: library.func('int32_t treadle_set_thread_backend(const char *spec)'),
    setNumThreads: library.func('int32_t treadle_set_num_threads(int32_t threads)'),
    getNumThreads: library.func('int32_t treadle_get_num_threads()'),
};

// ---- errors -------------------------------------------------------------------------------------

const CODES = {
    [-1]: 'TREADLE_FAILED',
    [-3]: 'TREADLE_INVALID',
    [-4]: 'TREADLE_NOMEM',
    [-5]: 'TREADLE_UNSUPPORTED',
    [-6]: 'TREADLE_NUMERIC',
    [-7]: 'TREADLE_PLUGIN',
};

/** A failed call: `message` is the library's sentence, `code` says why. */
class TreadleError extends Error {
    constructor(status, sentence) {
        super(sentence);
        this.name = 'TreadleError';
        this.status = status;
        this.code = CODES[status] || 'TREADLE_FAILED';
    }
}

function check(status) {
    if (status !== 0) throw new TreadleError(status, c.lastError());
}

function invalid(sentence) {
    return new TreadleError(-3, sentence);
}

// ---- arrays -------------------------------------------------------------------------------------

const INT = 0;
const UINT = 1;
const FLOAT = 2;
const BFLOAT = 4;
const COMPLEX = 5;
const BOOL = 6;

/** Kind and bits of an element. */
const DTYPES = {
    bool: [BOOL, 8],
    int8: [INT, 8],
    int16: [INT, 16],
    int32: [INT, 32],
    int64: [INT, 64],
    uint8: [UINT, 8],
    uint16: [UINT, 16],
    uint32: [UINT, 32],
    uint64: [UINT, 64],
    float16: [FLOAT, 16],
    bfloat16: [BFLOAT, 16],
    float32: [FLOAT, 32],
    float64: [FLOAT, 64],
    complex64: [COMPLEX, 64],
    complex128: [COMPLEX, 128],
};

const DTYPE_OF = {
    Int8Array: 'int8',
    Int16Array: 'int16',
    Int32Array: 'int32',
    BigInt64Array: 'int64',
    Uint8Array: 'uint8',
    Uint8ClampedArray: 'uint8',
    Uint16Array: 'uint16',
    Uint32Array: 'uint32',
    BigUint64Array: 'uint64',
    Float16Array: 'float16',
    Float32Array: 'float32',
    Float64Array: 'float64',
};

function isTypedArray(data) {
    return ArrayBuffer.isView(data) && !(data instanceof DataView);
}

function checkIntegers(name, values) {
    if (!Array.isArray(values) || !values.every(Number.isSafeInteger))
        throw invalid(`${name}: an array of integers is needed`);
}

function stridesInOrder(shape, itemsize) {
    const strides = new Array(shape.length);
    let stride = itemsize;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= shape[axis];
    }
    return strides;
}

/** Bytes of the buffer that the elements reach up to; throws if they leave it. */
function reach(shape, strides, offset, itemsize, length) {
    if (shape.includes(0)) return 0;
    let low = offset;
    let high = offset + itemsize;
    for (let axis = 0; axis < shape.length; axis++) {
        const steps = (shape[axis] - 1) * strides[axis];
        if (steps < 0) low += steps;
        else high += steps;
    }
    if (!(low >= 0 && high <= length))
        throw invalid(
            `shape, strides, offset: they lead to bytes ${low} to ${high} of ${length}`
        );
    return high;
}

/** A strided array in the memory of a TypedArray. */
class NdArray {
    #described; // struct treadle_array
    #extents;
    #steps;
    #needed; // bytes of `data`

    constructor(data, { shape, strides, offset = 0, dtype } = {}) {
        if (!isTypedArray(data)) throw invalid('data: a TypedArray is needed');
        dtype ??= DTYPE_OF[data.constructor.name] ?? data[Symbol.toStringTag];
        const [code, bits] = DTYPES[dtype] ?? [];
        if (code === undefined)
            throw invalid(`dtype: ${dtype}; allowed are ${Object.keys(DTYPES).join(', ')}`);
        const itemsize = bits / 8;
        shape ??= [Math.floor((data.byteLength - offset) / itemsize)];
        checkIntegers('shape', shape);
        if (shape.some((extent) => extent < 0)) throw invalid('shape: no extent may be negative');
        if (shape.length > 64) throw invalid(`shape: ${shape.length} axes; allowed are up to 64`);
        strides ??= stridesInOrder(shape, itemsize);
        checkIntegers('strides', strides);
        checkIntegers('offset', [offset]);
        if (strides.length !== shape.length)
            throw invalid(`strides: ${strides.length} of them; shape has ${shape.length} axes`);
        this.#needed = reach(shape, strides, offset, itemsize, data.byteLength);
        this.data = data;
        this.dtype = dtype;
        this.shape = Object.freeze([...shape]);
        this.strides = Object.freeze([...strides]);
        this.offset = offset;
        this.#describe(code, bits);
        Object.freeze(this);
    }

    #describe(code, bits) {
        this.#extents = BigInt64Array.from(this.shape, BigInt);
        this.#steps = BigInt64Array.from(this.strides, BigInt);
        const described = new DataView(new ArrayBuffer(64));
        const first = this.data.byteLength ? koffi.address(this.data) + BigInt(this.offset) : 0n;
        described.setBigUint64(0, first, true);
        if (this.shape.length) {
            described.setBigUint64(8, koffi.address(this.#extents), true);
            described.setBigUint64(16, koffi.address(this.#steps), true);
        }
        described.setInt32(24, this.shape.length, true);
        described.setUint8(32, code);
        described.setUint8(33, bits);
        described.setUint16(34, 1, true);
        described.setUint32(36, bits / 8, true);
        const bytes = new Uint8Array(described.buffer);
        this.#described = { bytes, view: described, address: koffi.address(bytes) };
    }

    /** For a call: where the description is, if the memory is still there. */
    static described(array) {
        if (array.data.byteLength < array.#needed)
            throw invalid('data: its buffer has been transferred or has become shorter');
        return array.#described;
    }

    /** The axes in reverse order. */
    transpose() {
        const { data, dtype, offset } = this;
        const shape = [...this.shape].reverse();
        return new NdArray(data, { shape, strides: [...this.strides].reverse(), offset, dtype });
    }
}

const rows = new WeakMap();

/** The description of an operand; a TypedArray is one axis. */
function described(operand) {
    if (operand instanceof NdArray) return NdArray.described(operand);
    let row = rows.get(operand);
    if (!row || row.length !== operand.length) {
        row = { array: new NdArray(operand), length: operand.length };
        rows.set(operand, row);
    }
    return NdArray.described(row.array);
}

function array(data, options) {
    return new NdArray(data, options);
}

// ---- calls --------------------------------------------------------------------------------------

const names = new Map();

/** A name with its final zero: { address }. */
function nameOf(op) {
    let name = names.get(op);
    if (!name) {
        if (typeof op !== 'string' || op.includes('\0')) throw invalid('op: a name is needed');
        const bytes = Buffer.from(op + '\0');
        name = { bytes, address: koffi.address(bytes) };
        names.set(op, name);
    }
    return name.address;
}

/** Room for a struct treadle_used. The names are read again only if the pointers have changed. */
class UsedRoom {
    constructor() {
        this.words = new Uint32Array(6);
        this.address = koffi.address(this.words);
        this.known = new Uint32Array(4);
        this.backend = this.variant = '';
    }

    read() {
        const { words, known } = this;
        if (
            words[0] !== known[0] ||
            words[1] !== known[1] ||
            words[2] !== known[2] ||
            words[3] !== known[3]
        ) {
            this.backend = koffi.decode(words, 0, 'const char *');
            this.variant = koffi.decode(words, 8, 'const char *');
            known.set(words.subarray(0, 4));
        }
        return {
            backend: this.backend,
            variant: this.variant,
            threads: words[4],
            fallbacks: words[5],
        };
    }
}

const used = new UsedRoom(); // of calls on this thread, one at a time

// `name` is where nameOf() has put one: those below are known once for all.

function callUnary(name, x, out) {
    check(c.unary(name, described(x).address, described(out).address, used.address));
    return used.read();
}

function callBinary(name, x1, x2, out) {
    const first = described(x1);
    const second = described(x2);
    const to = described(out);
    check(c.binary(name, first.address, second.address, to.address, used.address));
    return used.read();
}

function unary(op, x, out) {
    return callUnary(nameOf(op), x, out);
}

function binary(op, x1, x2, out) {
    return callBinary(nameOf(op), x1, x2, out);
}

/** The axes as C takes them: none named means all. */
function axesOf(axes) {
    if (axes === undefined || axes === null) return [null, -1];
    const list = Array.isArray(axes) ? axes : [axes];
    checkIntegers('axes', list);
    if (list.length > 64) throw invalid(`axes: ${list.length} of them; an array has up to 64`);
    return [Int32Array.from(list), list.length];
}

function reduce(op, x, out, axes) {
    const [list, count] = axesOf(axes);
    const [from, to] = [described(x), described(out)];
    check(c.reduce(nameOf(op), from.address, list, count, to.address, used.address));
    return used.read();
}

/** Descriptions one after the other. */
function gathered(operands) {
    const all = operands.map((operand) => described(operand).bytes);
    const args = new Uint8Array(64 * all.length);
    all.forEach((bytes, i) => args.set(bytes, 64 * i));
    return args;
}

function flagsOf(flags) {
    if (!Number.isInteger(flags) || flags < 0) throw invalid('flags: an integer from 0 is needed');
    return flags ? Uint32Array.of(8, flags) : null;
}

function run(op, inputs, outputs, flags = 0) {
    const operands = [...inputs, ...outputs];
    const args = gathered(operands);
    const attrs = flagsOf(flags);
    check(c.run(nameOf(op), args, operands.length, inputs.length, attrs, used.address));
    return used.read();
}

const koffiDecision = koffi.struct('treadle_decision', {
    backend: 'const char *',
    variant: 'const char *',
    wanted: 'uint32_t',
    granted: 'uint32_t',
    callers: 'uint32_t',
    cores: 'uint32_t',
    elements: 'double',
    limit: 'double',
    reason: koffi.array('char', 256, 'String'),
});

function explain(op, inputs, outputs) {
    const operands = [...inputs, ...outputs];
    const decision = new Uint8Array(koffi.sizeof(koffiDecision));
    const args = gathered(operands);
    check(c.explain(nameOf(op), args, operands.length, inputs.length, null, 0, decision));
    return koffi.decode(decision, koffiDecision);
}

// ---- the same on another thread -----------------------------------------------------------------

const MESSAGE = 600;

/** One call in flight: it keeps everything that C reads or writes. */
function runAway(op, inputs, outputs, flags, axes) {
    const operands = [...inputs, ...outputs];
    const all = operands.map(described);
    const words = (offset) =>
        BigUint64Array.from(all, ({ view }) => view.getBigUint64(offset, true));
    const [list, count] = axesOf(axes);
    flagsOf(flags);
    const kept = {
        operands,
        data: words(0),
        dtypes: Uint32Array.from(all, ({ view }) => view.getUint32(32, true)),
        ndims: Int32Array.from(all, ({ view }) => view.getInt32(24, true)),
        shapes: words(8),
        strides: words(16),
        list,
        room: new UsedRoom(),
        message: Buffer.alloc(MESSAGE),
    };
    return new Promise((resolve, reject) => {
        c.runWithMessage.async(
            ...[nameOf(op), operands.length, inputs.length, kept.data, kept.dtypes, kept.ndims],
            ...[kept.shapes, kept.strides, flags, list, count, kept.room.address],
            ...[kept.message, MESSAGE],
            (failure, status) => {
                if (failure) reject(failure);
                else if (status === 0) resolve(kept.room.read());
                else reject(new TreadleError(status, sentenceIn(kept.message)));
            }
        );
    });
}

function sentenceIn(message) {
    return message.toString('utf8', 0, message.indexOf(0));
}

const away = {
    unary: async (op, x, out) => runAway(op, [x], [out], 0),
    binary: async (op, x1, x2, out) => runAway(op, [x1, x2], [out], 0),
    reduce: async (op, x, out, axes) => runAway(op, [x], [out], 0, axes),
    run: async (op, inputs, outputs, flags = 0) => runAway(op, inputs, outputs, flags),
};

// ---- by name ------------------------------------------------------------------------------------

const byName = {};

for (const op of ['negative', 'abs', 'sqrt', 'square', 'copy', 'cholesky', 'inv']) {
    const name = nameOf(op);
    byName[op] = (x, out) => callUnary(name, x, out);
    away[op] = (x, out) => away.unary(op, x, out);
}

for (const op of [
    ...['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum'],
    ...['dot', 'matmul', 'solve'],
]) {
    const name = nameOf(op);
    byName[op] = (x1, x2, out) => callBinary(name, x1, x2, out);
    away[op] = (x1, x2, out) => away.binary(op, x1, x2, out);
}

/** Room for one result: the mean of integers is a float64. */
function resultOf(op, x) {
    const data = x instanceof NdArray ? x.data : x;
    const kind = x instanceof NdArray ? x.dtype : DTYPE_OF[data.constructor.name];
    const whole = op === 'mean' && /int/.test(kind);
    return new NdArray(whole ? new Float64Array(1) : new data.constructor(1), { shape: [] });
}

for (const op of ['sum', 'prod', 'min', 'max', 'mean']) {
    byName[op] = (x, out, axes) => {
        if (out !== undefined) return reduce(op, x, out, axes);
        const result = resultOf(op, x);
        reduce(op, x, result);
        return result.data[0];
    };
    away[op] = (x, out, axes) => away.reduce(op, x, out, axes);
}

// ---- choosing and looking -----------------------------------------------------------------------

function setBackend(spec) {
    check(c.setBackend(spec ?? null));
}

const chosen = [];

/** Choose backends for the synchronous calls of `work`, on this thread; they nest. */
function using(spec, work) {
    check(c.setThreadBackend(spec));
    chosen.push(spec);
    try {
        return work();
    } finally {
        chosen.pop();
        c.setThreadBackend(chosen.at(-1) ?? null);
    }
}

function setNumThreads(threads) {
    if (!Number.isInteger(threads)) throw invalid('threads: an integer is needed');
    check(c.setNumThreads(threads));
}

function backends() {
    const bytes = new Uint8Array(48);
    const fields = ['name', 'path', 'version', 'vendor', 'reason'];
    return Array.from({ length: c.backendCount() }, (_, i) => {
        check(c.backendInfo(i, bytes));
        return Object.fromEntries(
            fields.map((field, k) => [field, koffi.decode(bytes, 8 * k, 'const char *')])
        );
    });
}

module.exports = {
    ...byName,
    async: away,
    NdArray,
    TreadleError,
    FULL_MATRICES: 1,
    UPPER: 2,
    array,
    unary,
    binary,
    reduce,
    run,
    explain,
    setBackend,
    using,
    setNumThreads,
    getNumThreads: () => c.getNumThreads(),
    backends,
    version: () => c.version(),
};
