// SPDX-License-Identifier: BSD-3-Clause
// Nanoseconds of one tiny call from Node: cost_node.js PACKAGE
'use strict';
const treadle = require(process.argv[2]);

const CALLS = 200000;
const [x, y, out] = [1, 2, 3].map(() => treadle.array(new Float64Array(8)));
for (let i = 0; i < 20000; i++) treadle.add(x, y, out);
const start = process.hrtime.bigint();
for (let i = 0; i < CALLS; i++) treadle.add(x, y, out);
console.log((Number(process.hrtime.bigint() - start) / CALLS).toFixed(2));
