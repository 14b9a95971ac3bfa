import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test as plain, vi } from 'vitest'
import { aJobEvent, deliver } from '../journeys/hand-made-delivery.ts'
import { journey } from '../journeys/stage.ts'
import { answersIn } from './syscalls.ts'
import { aTown, service } from './town.ts'

const test = journey(1)
// Whole processes, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

// Nothing here can cut the power, and a `kill -9` leaves what the kernel has: only the order of the system calls shows what a power loss would.
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
const name = 'each delivery is written through to the disk before its 2xx leaves'

test.skipIf(!canTrace)(
  canTrace ? name : `${name} (skipped: strace is not there, or may not trace)`,
  async ({ stage }) => {
    const town = await aTown(stage, { name: 'fsync' })
    const trace = join(stage.folder, 'trace')
    const calls = 'trace=read,readv,write,writev,fsync,fdatasync'
    // With -D the service is our child, and strace the one that comes and goes.
    const traced = service(town, { through: ['strace', '-D', '-f', '-y', '-s', '32', '-e', calls, '-o', trace] })
    await traced.ready()
    for (let burst = 0; burst < 5; burst++) {
      const sent = Array.from({ length: 8 }, () =>
        deliver(town.hook, {
          kind: 'gitea',
          event: 'workflow_job',
          payload: aJobEvent({ labels: ['linux'] }),
          secret: town.forge.secret,
        }),
      )
      expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(Array(8).fill(202))
    }
    traced.child.kill('SIGTERM')
    await traced.ended
    const { answered, unsynced } = answersIn(readFileSync(trace, 'utf8'))
    expect(answered).toBeGreaterThanOrEqual(40)
    expect(unsynced).toBe(0)
  },
)

const read = '7 read(20<TCP:[a]>, "POST /webhook/gitea HTTP/1.1\\r\\nhos"..., 65536) = 700'
const sync = '7 fdatasync(9</tmp/muster.db-wal>) = 0'
const answer = '7 writev(20<TCP:[a]>, [{iov_base="HTTP/1.1 202 Accepted\\r\\ncontent-"..., iov_len=99}], 1) = 99'

plain('a 2xx that nothing was synced before is found in a trace', () => {
  expect(answersIn([read, sync, answer].join('\n'))).toEqual({ answered: 1, unsynced: 0 })
  expect(answersIn([sync, read, answer].join('\n'))).toEqual({ answered: 1, unsynced: 1 })
  expect(answersIn([read, sync.replace('muster.db-wal', 'other'), answer].join('\n')).unsynced).toBe(1)
})
