import { systemClock } from '../clock.ts'
import { runningService, type Service, ServiceFailed } from './admin-api.ts'
import type { Command } from './command.ts'
import { endingBySignal } from './ending.ts'
import { readStatus, type Status } from './status-facts.ts'
import { statusLines } from './status-screen.ts'
import { openTerminal, wantsColours } from './terminal.ts'

/** Columns where nobody says how many there are. */
const usualWidth = 160

/** `muster status`: what the running service is at; with `--watch` until `q`, Ctrl-C or a signal. */
export const status: Command = async ({ watch, json, ...where }) => {
  const service = runningService(where)
  /** Aborted however it ends, so that nothing goes on beside it. */
  const over = new AbortController()
  try {
    const first = await readStatus(service, systemClock.now())
    const out = process.stdout
    if (!watch) out.write(json ? `${JSON.stringify(first, null, 2)}\n` : plain(first))
    else if (json || !out.isTTY)
      await tellChanges(service, over.signal, first, json ? (it) => `${JSON.stringify(it)}\n` : plain)
    else await showLive(service, over.signal, first)
    return 0
  } finally {
    over.abort()
    service.close()
  }
}

function plain(told: Status): string {
  const { columns: width = usualWidth } = process.stdout
  return `${statusLines(told, { width, colours: wantsColours(process.stdout), now: Date.parse(told.at) }).join('\n')}\n`
}

/** For whoever reads a pipe: once more whenever it is no longer the same. */
async function tellChanges(
  service: Service,
  over: AbortSignal,
  first: Status,
  write: (told: Status) => string,
): Promise<void> {
  const ending = AbortSignal.any([over, endingBySignal()])
  process.stdout.write(write(first))
  let before = sameness(first)
  await watching(service, ending, (told) => {
    if (told instanceof ServiceFailed) return void process.stderr.write(`${told.message}\n`)
    if (sameness(told) === before) return
    before = sameness(told)
    process.stdout.write(write(told))
  })
}

function sameness({ at, ...rest }: Status): string {
  return JSON.stringify(rest)
}

async function showLive(service: Service, over: AbortSignal, first: Status): Promise<void> {
  let shown = first
  let trouble: string | null = null
  const terminal = openTerminal(process.stdin, process.stdout, draw)
  const ending = AbortSignal.any([over, endingBySignal(), terminal.left])

  function draw(): void {
    const look = { width: terminal.columns, colours: wantsColours(process.stdout), now: systemClock.now() }
    const title = `muster at ${service.url}, ${new Date(look.now).toISOString().slice(11, 19)} UTC, q ends`
    const lines = [(trouble ?? title).slice(0, look.width), '', ...statusLines(shown, look)]
    const left = lines.length - terminal.rows
    terminal.draw(left > 0 ? [...lines.slice(0, terminal.rows - 1), `… ${left + 1} more lines`] : lines)
  }

  try {
    draw()
    // How long ago things were goes on also while nothing happens.
    const ticking = everySecond(draw, ending)
    await watching(service, ending, (told) => {
      if (told instanceof ServiceFailed) trouble = told.message
      else [shown, trouble] = [told, null]
      draw()
    })
    await ticking
  } finally {
    terminal.close()
  }
}

async function everySecond(tick: () => void, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await systemClock.sleep(1_000, ending)
    if (!ending.aborted) tick()
  }
}

/** Milliseconds between two readings: at least so many while things happen, at most so many while nothing does. */
const pace = { busy: 500, quiet: 5_000 }

/** Reads the status anew after each event, and now and then where no stream tells of any, until the end. */
async function watching(
  service: Service,
  ending: AbortSignal,
  told: (what: Status | ServiceFailed) => void,
): Promise<void> {
  let happened = new AbortController()
  const following = follow(service, ending, () => happened.abort())
  while (!ending.aborted) {
    await systemClock.sleep(pace.busy, ending)
    await systemClock.sleep(pace.quiet - pace.busy, AbortSignal.any([ending, happened.signal]))
    if (ending.aborted) break
    happened = new AbortController()
    await readStatus(service, systemClock.now()).then(told, (error) => {
      if (!(error instanceof ServiceFailed)) throw error
      told(error)
    })
  }
  await following
}

/** Streams end: the service may restart, or have none to spare. Meanwhile the status is read at its quiet pace. */
async function follow(service: Service, ending: AbortSignal, heard: () => void): Promise<void> {
  while (!ending.aborted) {
    await service.follow(heard, ending).catch(() => undefined)
    await systemClock.sleep(2_000, ending)
  }
}
