import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { aRequest, never } from '../dispatchers/contract.ts'
import { aPlace, type ProcessPlace } from '../dispatchers/process/place.ts'

// The demo removed its folder as soon as the service had stopped, and failed at times: a runner's record was still being written.

let place: ProcessPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(() => place.close())

test('once a dispatcher has closed, nothing of it changes on disk', async () => {
  const dispatcher = place.dispatcher('muster', { command: ['true'] })
  const someEnded = new Promise<void>((resolve) => dispatcher.onEnd?.(resolve))
  await mkdir(place.workDir, { recursive: true })
  await Promise.all(
    Array.from({ length: 24 }, (_, n) => dispatcher.launch(aRequest({ id: `one-of-many-${n}` }), never)),
  )
  await someEnded
  await dispatcher.close?.()
  const left = await onDisk()
  await sleep(300)
  expect(await onDisk()).toEqual(left)
})

/** Each file with what it says. */
async function onDisk(): Promise<[string, string][]> {
  const files = await readdir(place.workDir, { recursive: true, withFileTypes: true })
  const read = files
    .filter((file) => file.isFile())
    .map(async ({ parentPath, name }): Promise<[string, string]> => {
      const path = join(parentPath, name)
      return [path, await readFile(path, 'utf8')]
    })
  return (await Promise.all(read)).sort()
}
