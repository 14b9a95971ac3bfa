// A process of its own that records deliveries into the file it is given, in bursts, and prints each id once it was acknowledged.
// It goes on until it is killed. Where the file cannot be opened it prints the error and ends with 1.
import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { aDeliveredJob, aDelivery } from './builders.ts'

const [path = '', prefix = ''] = process.argv.slice(2)

const store = await openSqliteStore({ path }).catch((error: Error) => {
  writeSync(1, `${error.name}: ${error.message}\n`)
  process.exit(1)
})

for (let burst = 0; ; burst++) {
  const ids = Array.from({ length: 5 }, (_, index) => `${prefix}-${burst}-${index}`)
  const recorded = ids.map(async (id) => {
    await store.recordDelivery(aDelivery({ id, jobs: [aDeliveredJob({ id })] }))
    writeSync(1, `${id}\n`)
  })
  await Promise.all(recorded)
}
