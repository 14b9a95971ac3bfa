import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { promtool } from './prometheus.ts'
import { alerts, rulesFile } from './queries.ts'

interface Case {
  /** Each series with its values, one a minute, in promtool's shorthand (`0+1x10` counts up). */
  fires: Record<string, string>
  quiet: Record<string, string>
  /** When it is looked at. */
  at: string
}

const job = (verdict: string) => `muster_jobs{instance="home",target="linux",verdict="${verdict}"}`
const delivery = (result: string) => `muster_deliveries_total{instance="home",result="${result}"}`
const start = (outcome: string) => `muster_dispatches_total{instance="home",target="linux",outcome="${outcome}"}`

/** What makes each alert speak, and what must not. */
const cases: Record<string, Case> = {
  MusterJobWaits: {
    at: '20m',
    fires: { 'muster_oldest_uncovered_job_seconds{instance="home"}': '0+60x20' },
    quiet: { 'muster_oldest_uncovered_job_seconds{instance="home"}': '200x20' },
  },
  MusterJobStuck: {
    at: '5m',
    fires: { [job('stuck')]: '1x5' },
    quiet: { [job('stuck')]: '0x5', [job('full')]: '1x5' },
  },
  MusterDispatcherDown: {
    at: '5m',
    fires: { 'muster_breaker_open{dispatcher="cloud"}': '1x5' },
    quiet: { 'muster_breaker_open{dispatcher="cloud"}': '1 0 1 0 1 0' },
  },
  MusterDispatchesFail: {
    at: '40m',
    fires: { [start('accepted')]: '0+1x40', [start('refused')]: '0+1x40', [start('unknown')]: '0x40' },
    quiet: { [start('accepted')]: '0+9x40', [start('refused')]: '0+1x40', [start('unknown')]: '0x40' },
  },
  MusterWebhooksLost: {
    at: '30m',
    fires: { 'muster_webhooks_lost_total{instance="home"}': '0x10 1x20' },
    quiet: { 'muster_webhooks_lost_total{instance="home"}': '7x30' },
  },
  MusterSignaturesWrong: {
    at: '20m',
    fires: { [delivery('unauthorized')]: '0+1x20' },
    quiet: { [delivery('unauthorized')]: '0x18 1x2', [delivery('accepted')]: '0+9x20' },
  },
  MusterStateUnavailable: {
    at: '10m',
    fires: { [delivery('unavailable')]: '0x6 1x4' },
    quiet: { [delivery('unavailable')]: '4x10' },
  },
  MusterStateNotWritable: {
    at: '10m',
    fires: { muster_state_writable: '1x5 0x5' },
    quiet: { muster_state_writable: '1x5 0x1 1x4' },
  },
  MusterForgeSilent: {
    at: '60m',
    fires: { 'muster_last_complete_look_timestamp_seconds{instance="home"}': '0x60' },
    quiet: { 'muster_last_complete_look_timestamp_seconds{instance="home"}': '0+60x60' },
  },
  MusterForgeRefuses: {
    at: '20m',
    fires: { 'muster_forge_requests_total{instance="home",status="401"}': '0+1x20' },
    quiet: { 'muster_forge_requests_total{instance="home",status="200"}': '0+9x20' },
  },
  MusterQuotaLow: {
    at: '10m',
    fires: { 'muster_forge_quota{instance="home"}': '5000x10', 'muster_forge_quota_left{instance="home"}': '400x10' },
    quiet: { 'muster_forge_quota{instance="home"}': '5000x10', 'muster_forge_quota_left{instance="home"}': '900x10' },
  },
  MusterNobodyLeads: {
    at: '5m',
    fires: { 'muster_lease{instance="home",job="a"}': '0x5', 'muster_lease{instance="home",job="b"}': '0x5' },
    quiet: { 'muster_lease{instance="home",job="a"}': '0x5', 'muster_lease{instance="home",job="b"}': '1x5' },
  },
  MusterTargetFull: { at: '40m', fires: { [job('full')]: '2x40' }, quiet: { [job('full')]: '2x20 0x20' } },
  MusterJobUnmatched: { at: '20m', fires: { [job('unmatched')]: '1x20' }, quiet: { [job('covered')]: '1x20' } },
}

test('for each alert it is known what makes it speak, and what does not', () => {
  expect(Object.keys(cases).sort()).toEqual(
    alerts()
      .map(({ alert }) => alert)
      .sort(),
  )
})

test.each(alerts())('$alert says what is wrong, how bad it is and what to do', ({ labels, annotations }) => {
  expect(['critical', 'warning', 'info']).toContain(labels.severity)
  expect(annotations.summary).toMatch(/\S/)
})

test.skipIf(promtool === null).each(Object.entries(cases))(
  '%s fires when it should and is quiet when it should',
  async (alertname, { at, fires, quiet }) => {
    expect(await firing(alertname, fires, at)).toBe(true)
    expect(await firing(alertname, quiet, at)).toBe(false)
  },
)

/** Whether the alert fires, as promtool sees it: a test that expects none fails exactly when there is one. */
async function firing(alertname: string, series: Record<string, string>, at: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-alerts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }))
  const expected = { eval_time: at, alertname, exp_alerts: [] }
  const tests = [{ interval: '1m', input_series, alert_rule_test: [expected] }]
  const file = join(folder, 'test.yaml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ rule_files: [fileURLToPath(rulesFile)], evaluation_interval: '1m', tests }))
  const { failed, told } = await promisify(execFile)(promtool ?? 'promtool', ['test', 'rules', file]).then(
    ({ stdout }) => ({ failed: false, told: stdout }),
    ({ stdout, stderr }) => ({ failed: true, told: `${stdout}${stderr}` }),
  )
  if (failed && !told.includes(`alertname:${alertname}`) && !told.includes(`alertname="${alertname}"`))
    throw new Error(told)
  return failed
}
