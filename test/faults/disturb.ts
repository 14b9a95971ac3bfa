// Loaded before the program (`node --import`), so that the program itself knows nothing of it. At SIGUSR2 it does what $DISTURBANCE says:
// `block 5000` keeps the event loop busy for so many milliseconds, `shift -86400000` moves the clock of the wall by so many.
import { readFileSync } from 'node:fs'

const now = Date.now
let shift = 0
Date.now = () => now() + shift

process.on('SIGUSR2', () => {
  const [what, much] = readFileSync(process.env.DISTURBANCE ?? '', 'utf8').split(' ')
  if (what === 'shift') shift += Number(much)
  const end = performance.now() + (what === 'block' ? Number(much) : 0)
  while (performance.now() < end);
})
