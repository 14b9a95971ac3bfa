// `npm run bench`: figures for people, as medians over rounds and as ratios within one run. Nothing here asserts a time.
import { cpus } from 'node:os'
import { dashboardBench } from './dashboard.ts'
import { eventsBench } from './events.ts'
import { intakeBench } from './intake.ts'
import { latencyBench } from './latency.ts'
import { launchBench } from './launch.ts'
import { recoveryBench } from './recovery.ts'
import { turnBench } from './turn.ts'

const [cpu] = cpus()
console.log(`${cpus().length} × ${cpu?.model ?? 'unknown processor'}, Node.js ${process.versions.node}\n`)
await intakeBench()
await eventsBench()
await latencyBench()
await turnBench()
await recoveryBench()
await launchBench()
await dashboardBench()
