// The part of scripts/query that speaks with DuckDB: query.mjs DUCKDB-HOME ARCHIVE FILE.sql...
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

function fail(sentence, code = 1) {
  console.error(`query: ${sentence}`);
  process.exit(code);
}

function parse(words) {
  const wanted = { files: [], days: {} };
  for (let i = 0; i < words.length; ++i) {
    if (words[i] === '--day' || words[i] === '--end-day') {
      const day = words[++i] ?? '';
      if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) fail(`${words[i - 1]} needs a day as 2026-01-31`, 2);
      wanted.days[words[i - 1]] = day;
    } else if (words[i].startsWith('-')) {
      fail(`unknown option ${words[i]}; see scripts/query --help`, 2);
    } else if (wanted.archive === undefined) {
      wanted.archive = resolve(words[i]);
    } else {
      wanted.files.push(words[i]);
    }
  }
  if (wanted.files.length === 0) fail('name an archive and a file of SQL; see --help', 2);
  return wanted;
}

const [home, ...words] = process.argv.slice(2);
const { archive, files, days } = parse(words);
const tables = `${archive}/schemas/duckdb.sql`;
if (!existsSync(tables)) fail(`${archive} is no archive: it has no schemas/duckdb.sql`, 2);
const day = days['--day'] ?? new Date().toISOString().slice(0, 10);
const endDay = days['--end-day'] ?? day;

const { DuckDBInstance } = createRequire(`${home}/`)('@duckdb/node-api');
const connection = await (await DuckDBInstance.create(':memory:')).connect();
try {
  await connection.run(`SET VARIABLE archive = '${archive.replaceAll("'", "''")}'`);
  await connection.run(readFileSync(tables, 'utf8'));
  await connection.run(`SET VARIABLE day = DATE '${day}'; SET VARIABLE end_day = DATE '${endDay}'`);
  for (const file of files) {
    const answer = await connection.runAndReadAll(readFileSync(file, 'utf8'));
    for (const row of answer.getRowObjectsJson()) console.log(JSON.stringify(row));
  }
} catch (error) {
  fail(error.message);
}
