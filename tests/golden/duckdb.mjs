// SPDX-License-Identifier: GPL-2.0-only
// In place of the program duckdb -noheader -list -c SQL: the same library, as npm has it.
import { createRequire } from 'node:module';

const require = createRequire(process.argv[2] + '/');
const { DuckDBInstance } = require('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:')).connect();
for (const row of (await db.runAndReadAll(process.argv[3])).getRows())
	console.log(row.join('|'));
