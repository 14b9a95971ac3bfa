// A service that starts one runner and lives until it is killed: `node parent.ts OPTIONS REQUEST`, both JSON.
import { argv, stdout } from 'node:process'
import { systemClock } from '../../../src/clock.ts'
import { process as processKind } from '../../../src/dispatchers/process/dispatcher.ts'

const [options = '', request = ''] = argv.slice(2)
const dispatcher = processKind.create(JSON.parse(options), {
  name: 'here',
  owner: 'muster',
  clock: systemClock,
  note: (sentence) => console.error(sentence),
})
await dispatcher.launch(JSON.parse(request), new AbortController().signal)
stdout.write('started\n')
setInterval(() => undefined, 60_000)
