import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { aDelivery } from '../support/builders.ts'
import { storeFiles } from '../support/store-files.ts'

const newFile = storeFiles()
const recorder = fileURLToPath(new URL('../support/store-process.ts', import.meta.url))

/** Lets a process record until it has acknowledged so many deliveries, kills it, and answers every id that it acknowledged. */
async function recordUntilKilled(path: string, prefix: string, enough: number): Promise<string[]> {
  const child = spawn(process.execPath, [recorder, path, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > enough) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  expect({ code, signal }, said.slice(0, 500)).toEqual({ code: null, signal: 'SIGKILL' })
  return said.split('\n').slice(0, -1)
}

// Opening checks the whole file, so a file that opens again is sound.
test('has every delivery that it acknowledged, in a sound file, after kill -9', async () => {
  const path = newFile()
  const acknowledged: string[] = []
  for (const [round, enough] of [1, 40, 173].entries()) {
    acknowledged.push(...(await recordUntilKilled(path, `round${round}`, enough)))
    const store = await openSqliteStore({ path })
    for (const id of acknowledged) {
      expect(await store.job('main', id), id).not.toBeNull()
      expect(await store.recordDelivery(aDelivery({ id })), id).toBe('duplicate')
    }
    await store.close()
  }
  expect(acknowledged.length).toBeGreaterThan(200)
})
