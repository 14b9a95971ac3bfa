import { execFileSync, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../journeys/until.ts'

/** The path of the program, from `MUSTER_TEST_PROMETHEUS` (empty: none) or PATH; null where there is none. */
function found(program: string): string | null {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim() || null
  } catch {
    console.warn(`SKIPPED: no ${program} on PATH, so the queries of deploy/ are not tried on a real Prometheus`)
    return null
  }
}

export const prometheusProgram = found('prometheus')
export const promtool = found('promtool')

export interface RunningPrometheus {
  /** The series that a query answers now; rejects when it is not valid. */
  query(expr: string): Promise<unknown[]>
  close(): Promise<void>
}

/** A server on a free port that scrapes this listener each half second, with its data in `folder`. */
export async function prometheus(adminUrl: string, folder: string): Promise<RunningPrometheus> {
  const config = join(folder, 'prometheus.yml')
  const target = new URL(adminUrl).host
  const job = { job_name: 'muster', static_configs: [{ targets: [target] }] }
  const global = { scrape_interval: '500ms', scrape_timeout: '500ms' }
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ global, scrape_configs: [job] }))
  let log = ''
  const data = join(folder, 'prometheus')
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${data}`, '--web.listen-address=127.0.0.1:0']
  const child = spawn(prometheusProgram ?? 'prometheus', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const [, port] = await until('prometheus listens', () => /Listening on.*?address=127\.0\.0\.1:(\d+)/.exec(log))
  // It listens before it answers.
  await until('prometheus is ready', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok)
  return {
    async query(expr) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expr })}`)
      const { status, error, data } = (await answer.json()) as {
        status: string
        error?: string
        data: { result: unknown[] }
      }
      if (status !== 'success') throw new Error(`${expr}: ${error}`)
      return data.result
    },
    close() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
