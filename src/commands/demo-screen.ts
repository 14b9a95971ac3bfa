import type { App } from '../app.ts'
import type { Line, Progress, StoryResult, Telling } from '../simulation/telling.ts'

export interface Screen {
  end(result: StoryResult): void
}

interface ScreenOptions {
  story: Telling
  app: Pick<App, 'adminPort' | 'workers'>
  json: boolean
  folder: string
}

const width = 78

/** Tells the story as it happens: a live table on a terminal, plain lines elsewhere; on standard error when standard output is for the result. */
export function screen({ story, app, json, folder }: ScreenOptions): Screen {
  const out = json ? process.stderr : process.stdout
  out.write(`Dashboard: http://127.0.0.1:${app.adminPort}/\n`)
  out.write(`${story.story.title}. Look around while it lasts (log and configuration: ${folder})\n\n`)
  const table = out.isTTY ? liveTable(story, app, out) : null
  story.onLine((line) => (table ? table.add(line) : out.write(`${told(line)}\n`)))
  return {
    end(result) {
      table?.end()
      out.write(`\n${summary(result)}\n`)
    },
  }
}

function liveTable(story: Telling, app: ScreenOptions['app'], out: NodeJS.WriteStream) {
  const lines: Line[] = []
  let drawn = 0
  const draw = () => {
    const rows = [...header(story.progress(), app), '', ...lines.slice(-12).map(told)].map((row) =>
      row.slice(0, out.columns || width),
    )
    out.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${rows.map((row) => `\x1b[2K${row}\n`).join('')}`)
    drawn = rows.length
  }
  const beat = setInterval(draw, 200)
  return {
    add: (line: Line) => void lines.push(line),
    end: () => {
      clearInterval(beat)
      draw()
    },
  }
}

function header({ elapsed, scenes, forges }: Progress, { workers }: ScreenOptions['app']): string[] {
  const done = Math.round((20 * scenes.played) / scenes.all)
  const bar = `${'█'.repeat(done)}${'░'.repeat(20 - done)}`
  const rows = Object.entries(forges).map(([name, { jobs, runners }]) =>
    [
      name.padEnd(10),
      (workers.get(name)?.mode ?? '').padEnd(10),
      `${jobs.blocked} blocked`.padEnd(11),
      `${jobs.queued + jobs.waiting} queued`.padEnd(11),
      `${jobs.running} running`.padEnd(11),
      `${jobs.done} done`.padEnd(9),
      `${runners} runners`,
    ].join(' '),
  )
  return [`${bar} ${(elapsed / 1_000).toFixed(1)} s`, ...rows]
}

function told({ at, forge, text }: Line): string {
  return `${(at / 1_000).toFixed(2).padStart(6)} s  ${forge.padEnd(8)} ${text}`
}

function summary({ jobs, served, cancelled, wait_ms, runners, webhooks }: StoryResult): string {
  return [
    `${jobs} jobs: ${served} served, ${cancelled} cancelled. From queued to running: median ${wait_ms.median} ms, worst ${wait_ms.worst} ms.`,
    `${runners.started} runners were started, ${runners.left} are left.`,
    `Webhooks: ${webhooks.duplicates} came twice and changed nothing; ${webhooks.lost_found} was lost and its job found all the same.`,
  ].join('\n')
}
