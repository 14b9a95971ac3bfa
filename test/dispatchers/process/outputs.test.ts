import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type OutputOptions, outputsIn } from '../../../src/dispatchers/process/outputs.ts'
import { at } from '../../support/builders.ts'

async function aFolder(over: Partial<OutputOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'muster-outputs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const options = { maxSize: 10, keep: 1, ended: 20, endedAge: 3_600_000, endedSize: 1_000, ...over }
  return { folder, outputs: outputsIn(folder, options), left: () => readdir(join(folder, '.ended')).catch(() => []) }
}

test('an output that has grown too large is turned over, and what comes then is written to its beginning', async () => {
  const { folder, outputs } = await aFolder()
  const file = await outputs.begin('a', null)
  await file.write('0123456789ABCDEF')
  await outputs.cap('a')
  await file.write('new')
  await file.close()
  expect(await readFile(join(folder, '.output', 'a.log'), 'utf8')).toBe('new')
  expect(await readFile(join(folder, '.output', 'a.log.1'), 'utf8')).toBe('6789ABCDEF')
})

test.each`
  keep | kept
  ${0} | ${['a.log']}
  ${1} | ${['a.log', 'a.log.1']}
  ${3} | ${['a.log', 'a.log.1', 'a.log.2', 'a.log.3']}
`('of five turns $keep are kept, the newest', async ({ keep, kept }) => {
  const { folder, outputs } = await aFolder({ keep })
  const file = await outputs.begin('a', null)
  for (const turn of [1, 2, 3, 4, 5]) {
    await file.write(`turn ${turn}, more than ten bytes`)
    await outputs.cap('a')
  }
  await file.close()
  expect((await readdir(join(folder, '.output'))).sort()).toEqual(kept)
  if (keep > 0) expect(await readFile(join(folder, '.output', `a.log.${keep}`), 'utf8')).toBe(' ten bytes')
})

test('an output under its size is left alone, and one that is not there is no error', async () => {
  const { folder, outputs } = await aFolder()
  await (await outputs.begin('a', null)).close()
  await writeFile(join(folder, '.output', 'a.log'), '0123456789')
  await outputs.cap('a')
  await outputs.cap('b')
  expect(await readdir(join(folder, '.output'))).toEqual(['a.log'])
})

test('nobody else can read an output, before the end and after it', async () => {
  const { folder, outputs } = await aFolder()
  const file = await outputs.begin('a', null)
  await file.write('more than ten bytes')
  await outputs.cap('a')
  await file.close()
  await outputs.end('a', at('12:00:00'))
  for (const path of ['.output', '.ended']) expect((await stat(join(folder, path))).mode & 0o777).toBe(0o700)
  for (const name of ['a.log', 'a.log.1']) expect((await stat(join(folder, '.ended', name))).mode & 0o777).toBe(0o600)
})

test.each`
  over                     | kept
  ${{ ended: 2 }}          | ${['c.log', 'd.log']}
  ${{ endedAge: 150_000 }} | ${['c.log', 'd.log']}
  ${{ endedSize: 15 }}     | ${['b.log', 'c.log', 'd.log']}
  ${{ endedSize: 0 }}      | ${[]}
  ${{ ended: 0 }}          | ${[]}
  ${{}}                    | ${['a.log', 'b.log', 'c.log', 'd.log']}
`('of four that ended, a minute after each other, $over keeps $kept', async ({ over, kept }) => {
  const { outputs, left } = await aFolder(over)
  for (const [place, id] of ['a', 'b', 'c', 'd'].entries()) {
    const file = await outputs.begin(id, null)
    await file.write('five.')
    await file.close()
    await outputs.end(id, at('12:00:00') + place * 60_000)
  }
  await outputs.prune(at('12:04:00'))
  expect((await left()).sort()).toEqual(kept)
})

// Seen from the end of the runner: one that said nothing for a week has still just ended.
test('the age of an output counts from the end of its runner', async () => {
  const { folder, outputs, left } = await aFolder()
  await (await outputs.begin('a', null)).close()
  await utimes(join(folder, '.output', 'a.log'), 0, 0)
  await outputs.end('a', at('12:00:00'))
  await outputs.prune(at('12:30:00'))
  expect(await left()).toEqual(['a.log'])
})

test('what was printed last is told', async () => {
  const { outputs } = await aFolder()
  const file = await outputs.begin('a', null)
  await file.write(`${'x'.repeat(10_000)}the end`)
  await file.close()
  const words = await outputs.lastWords('a')
  expect(words).toHaveLength(4_096)
  expect(words).toMatch(/the end$/)
  expect(await outputs.lastWords('b')).toBe('')
})
