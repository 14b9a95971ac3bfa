import { readdir } from 'node:fs/promises'
import { expect } from 'vitest'
import { muster } from '../journeys/muster-process.ts'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

const test = journey(1)

// Its story was not told to the end, so Ctrl-C ended it with 1, and npm told of a failure.
test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s in the midst of the demo ends it with 0, and leaves nothing behind',
  async (signal, { stage }) => {
    const run = muster(stage, 'demo')
    await until('a job was told of', () => /queued/.test(run.stdout))
    run.child.kill(signal)
    expect(await run.ended).toBe(0)
    expect(await readdir(stage.folder)).toEqual([])
  },
)
