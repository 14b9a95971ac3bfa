import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { watchFiles } from '../src/watch.ts'
import { handClock } from './support/world.ts'

/** A folder whose files are watched; each `beat` is the time after which they are looked at again. */
function aWatch() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-watch-'))
  const clock = handClock()
  const ending = new AbortController()
  const state = { watched: [join(folder, 'a')] as string[] | null, changes: 0 }
  onTestFinished(() => {
    ending.abort()
    rmSync(folder, { recursive: true })
  })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('a', 'one')
  const begin = () =>
    void watchFiles(
      () => state.watched,
      () => void state.changes++,
      clock,
      ending.signal,
    )
  const beat = async () => {
    clock.pass(2_000)
    await turnOfTheLoop()
  }
  return { folder, state, write, begin, beat }
}

test('a file that was written is told once, when it has rested', async () => {
  const { state, write, begin, beat } = aWatch()
  begin()
  await beat()
  write('a', 'half of')
  await beat()
  write('a', 'half of it, and the rest')
  await beat()
  expect(state.changes).toBe(0)
  await beat()
  await beat()
  expect(state.changes).toBe(1)
})

test('a folder that a symbolic link swaps, as Kubernetes does, is seen', async () => {
  const { folder, state, begin, beat } = aWatch()
  for (const name of ['first', 'second']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'key'), 'same size')
  }
  symlinkSync('first', join(folder, 'data'))
  symlinkSync('data/key', join(folder, 'key'))
  state.watched = [join(folder, 'key')]
  begin()
  await beat()
  symlinkSync('second', join(folder, 'data-next'))
  renameSync(join(folder, 'data-next'), join(folder, 'data'))
  await beat()
  await beat()
  expect(state.changes).toBe(1)
})

test('nothing is told while nobody wants to know, and a file that comes into the list is no change', async () => {
  const { folder, state, write, begin, beat } = aWatch()
  state.watched = null
  begin()
  await beat()
  write('a', 'two')
  await beat()
  await beat()
  state.watched = [join(folder, 'a')]
  await beat()
  write('b', 'one')
  state.watched = [join(folder, 'a'), join(folder, 'b')]
  await beat()
  await beat()
  expect(state.changes).toBe(0)
})
