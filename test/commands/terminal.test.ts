import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { openTerminal, wantsColours } from '../../src/commands/terminal.ts'

/** Streams that say that they are a terminal, as Node's do. */
function aTerminal() {
  const raw = vi.fn<(on: boolean) => void>()
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: raw }) as unknown as NodeJS.ReadStream
  const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 100, rows: 30 })
  const resized = vi.fn<() => void>()
  const terminal = openTerminal(input, output as unknown as NodeJS.WriteStream, resized)
  return { terminal, input, output, raw, resized, written: () => output.read() ?? '' }
}

test('a screen is drawn over the one before, in one write, and the old one comes back at the end', () => {
  const { terminal, written, raw } = aTerminal()
  expect(written()).toBe('\x1b[?1049h\x1b[?25l\x1b[?7l')
  terminal.draw(['one', 'two'])
  expect(written()).toBe('\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J')
  terminal.close()
  expect(written()).toBe('\x1b[?7h\x1b[?25h\x1b[?1049l')
  expect(raw.mock.calls).toEqual([[true], [false]])
})

test.each([
  ['q', true],
  ['Q', true],
  ['\x03', true],
  ['x', false],
  ['\x1b[A', false],
])('the key %j leaves: %s', async (key, leaves) => {
  const { terminal, input } = aTerminal()
  ;(input as unknown as PassThrough).write(key)
  await vi.waitFor(() => expect((input as unknown as PassThrough).readableLength).toBe(0))
  expect(terminal.left.aborted).toBe(leaves)
})

test('its size is that of the moment, and a change of it is told', () => {
  const { terminal, output, resized } = aTerminal()
  expect([terminal.columns, terminal.rows]).toEqual([100, 30])
  output.columns = 60
  output.emit('resize')
  expect(terminal.columns).toBe(60)
  expect(resized).toHaveBeenCalledTimes(1)
  terminal.close()
  output.emit('resize')
  expect(resized).toHaveBeenCalledTimes(1)
})

test.each([
  [{ isTTY: true }, {}, true],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { NO_COLOR: '' }, true],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
  [{}, {}, false],
])('for %j with %j colours are wanted: %s', (output, env, wanted) => {
  expect(wantsColours(output as NodeJS.WriteStream, env)).toBe(wanted)
})
