// SPDX-License-Identifier: BSD-3-Clause
export type Dtype =
    | 'bool'
    | 'int8'
    | 'int16'
    | 'int32'
    | 'int64'
    | 'uint8'
    | 'uint16'
    | 'uint32'
    | 'uint64'
    | 'float16'
    | 'bfloat16'
    | 'float32'
    | 'float64'
    | 'complex64'
    | 'complex128';

export type TypedArray =
    | Int8Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Uint8Array
    | Uint8ClampedArray
    | Uint16Array
    | Uint32Array
    | BigUint64Array
    | Float32Array
    | Float64Array;

export interface ArrayOptions {
    /** Extents; one axis over the whole of `data` if left out. */
    shape?: readonly number[];
    /** In bytes, may be zero or negative; C order if left out. */
    strides?: readonly number[];
    /** Bytes from the start of `data` to the element with all indices zero. */
    offset?: number;
    /** What the bytes mean, if it is not what the TypedArray says. */
    dtype?: Dtype;
}

/** A strided array in the memory of a TypedArray. */
export class NdArray<T extends TypedArray = TypedArray> {
    constructor(data: T, options?: ArrayOptions);
    readonly data: T;
    readonly shape: readonly number[];
    readonly strides: readonly number[];
    readonly offset: number;
    readonly dtype: Dtype;
    /** The axes in reverse order. */
    transpose(): NdArray<T>;
}

export function array<T extends TypedArray>(data: T, options?: ArrayOptions): NdArray<T>;

/** A TypedArray is an array of one axis. */
export type Operand = NdArray | TypedArray;

/** Who served a call. */
export interface Used {
    backend: string;
    variant: string;
    threads: number;
    fallbacks: number;
}

export class TreadleError extends Error {
    /** Of <treadle/status.h>. */
    readonly status: number;
    readonly code:
        | 'TREADLE_FAILED'
        | 'TREADLE_INVALID'
        | 'TREADLE_NOMEM'
        | 'TREADLE_UNSUPPORTED'
        | 'TREADLE_NUMERIC'
        | 'TREADLE_PLUGIN';
}

type Unary<R> = (x: Operand, out: Operand) => R;
type Binary<R> = (x1: Operand, x2: Operand, out: Operand) => R;
/** `axes` left out means all; negative ones count from the end. */
type Reduce<R> = (x: Operand, out: Operand, axes?: number | readonly number[]) => R;
/** Without `out` the result over all axes is returned: a bigint for 64-bit integers. */
interface Reduction extends Reduce<Used> {
    (x: Operand): number | bigint;
}

interface Calls<R> {
    negative: Unary<R>;
    abs: Unary<R>;
    sqrt: Unary<R>;
    square: Unary<R>;
    copy: Unary<R>;
    cholesky: Unary<R>;
    inv: Unary<R>;
    add: Binary<R>;
    subtract: Binary<R>;
    multiply: Binary<R>;
    divide: Binary<R>;
    maximum: Binary<R>;
    minimum: Binary<R>;
    dot: Binary<R>;
    matmul: Binary<R>;
    solve: Binary<R>;
    unary(op: string, x: Operand, out: Operand): R;
    binary(op: string, x1: Operand, x2: Operand, out: Operand): R;
    reduce(op: string, x: Operand, out: Operand, axes?: number | readonly number[]): R;
    /** Any operation; `flags` are FULL_MATRICES and UPPER. */
    run(op: string, inputs: readonly Operand[], outputs: readonly Operand[], flags?: number): R;
}

export const negative: Unary<Used>;
export const abs: Unary<Used>;
export const sqrt: Unary<Used>;
export const square: Unary<Used>;
export const copy: Unary<Used>;
export const cholesky: Unary<Used>;
export const inv: Unary<Used>;
export const add: Binary<Used>;
export const subtract: Binary<Used>;
export const multiply: Binary<Used>;
export const divide: Binary<Used>;
export const maximum: Binary<Used>;
export const minimum: Binary<Used>;
export const dot: Binary<Used>;
export const matmul: Binary<Used>;
export const solve: Binary<Used>;
export const sum: Reduction;
export const prod: Reduction;
export const min: Reduction;
export const max: Reduction;
export const mean: Reduction;
export const unary: Calls<Used>['unary'];
export const binary: Calls<Used>['binary'];
export const reduce: Calls<Used>['reduce'];
export const run: Calls<Used>['run'];

interface AsyncCalls extends Calls<Promise<Used>> {
    sum: Reduce<Promise<Used>>;
    prod: Reduce<Promise<Used>>;
    min: Reduce<Promise<Used>>;
    max: Reduce<Promise<Used>>;
    mean: Reduce<Promise<Used>>;
}

/**
 * The same calls off the main thread. Until the promise is settled, leave the inputs unchanged and
 * the outputs unread. What using() chose does not hold there.
 */
declare const away: AsyncCalls;
export { away as async };

export const FULL_MATRICES: 1;
export const UPPER: 2;

export interface Decision {
    backend: string;
    variant: string;
    wanted: number;
    granted: number;
    callers: number;
    cores: number;
    elements: number;
    limit: number;
    reason: string;
}

/** What would be done with a call, and why. */
export function explain(
    op: string,
    inputs: readonly Operand[],
    outputs: readonly Operand[]
): Decision;

/** For all threads: "auto", a name, a list; null goes back to TREADLE_BACKEND. */
export function setBackend(spec: string | null): void;

/** Choose backends for the synchronous calls of `work`, on this thread; they nest. */
export function using<R>(spec: string, work: () => R): R;

/** Most threads a call may use; 0 goes back to the limits of environment and machine. */
export function setNumThreads(threads: number): void;
export function getNumThreads(): number;

export interface Backend {
    name: string;
    path: string;
    version: string;
    vendor: string;
    /** Why it can't be used; "" if it can. */
    reason: string;
}

/** All plugins that were found, also those that can't be used. */
export function backends(): Backend[];
export function version(): string;
