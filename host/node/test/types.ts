// SPDX-License-Identifier: BSD-3-Clause
// What a TypeScript program may and may not say; only compiled.
import treadle = require('..');

const x = treadle.array(new Float64Array(6), { shape: [2, 3], strides: [24, 8] });
const used: treadle.Used = treadle.add(x, new Float64Array(3), x.transpose());
const later: Promise<treadle.Used> = treadle.async.sum(x, new Float64Array(3), [0]);
const total: number | bigint = treadle.sum(x);
const values: Float64Array = x.data;
treadle.using('serial', () => used.threads + Number(total) + values.length);
later.catch((error: treadle.TreadleError) => error.code === 'TREADLE_NUMERIC');
// @ts-expect-error: plain arrays are no operands
treadle.add([1], [2], x);
// @ts-expect-error: there is no such type
treadle.array(new Float64Array(1), { dtype: 'float80' });
