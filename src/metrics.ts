import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const deliveryResults = [
  'accepted',
  'ignored',
  'duplicate',
  'unauthorized',
  'invalid',
  'too_large',
  'unavailable',
] as const
export type DeliveryResult = (typeof deliveryResults)[number]

const dispatchOutcomes = ['accepted', 'refused', 'sent', 'unknown'] as const
export type DispatchOutcome = (typeof dispatchOutcomes)[number]

export type Metrics = ReturnType<typeof createMetrics>

/** All that is counted, by name and help text. Labels are configured names only: never a repository, a branch or a job. */
export function createMetrics() {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  return {
    registry,
    deliveries: new Counter({
      name: 'muster_deliveries_total',
      help: 'Webhook requests for a known instance, by what became of them.',
      labelNames: ['instance', 'result'],
      registers,
    }),
    webhooksLost: new Counter({
      name: 'muster_webhooks_lost_total',
      help: 'Queued jobs that a look found and no webhook announced in time.',
      labelNames: ['instance'],
      registers,
    }),
    stateWritable: new Gauge({
      name: 'muster_state_writable',
      help: '1 while what comes in can be recorded; 0 while it cannot: the disk is full, or the file cannot be written.',
      registers,
    }),
    mode: new Gauge({
      name: 'muster_mode',
      help: '1 for the mode the instance is in, 0 for the others.',
      labelNames: ['instance', 'mode'],
      registers,
    }),
    forgeRequests: new Counter({
      name: 'muster_forge_requests_total',
      help: 'Calls to the forge by the status of the answer; `none` when there was none.',
      labelNames: ['instance', 'status'],
      registers,
    }),
    dispatches: new Counter({
      name: 'muster_dispatches_total',
      help: 'Requests for runners by outcome.',
      labelNames: ['instance', 'target', 'outcome'],
      registers,
    }),
    requestsWaiting: new Gauge({
      name: 'muster_dispatch_requests_waiting',
      help: 'Runners that callers of the dispatcher API asked for and that wait for room, as of the last turn.',
      labelNames: ['instance'],
      registers,
    }),
    jobs: new Gauge({
      name: 'muster_jobs',
      help: 'Open jobs by verdict, as of the last turn.',
      labelNames: ['instance', 'target', 'verdict'],
      registers,
    }),
    runners: new Gauge({
      name: 'muster_runners',
      help: 'Runners by state, as of the last turn; booting ones are dispatches that have not shown themselves.',
      labelNames: ['instance', 'target', 'state'],
      registers,
    }),
    queueWait: new Histogram({
      name: 'muster_queue_wait_seconds',
      help: 'From the moment a job was seen queued until it was seen to run.',
      labelNames: ['instance', 'target'],
      buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600],
      registers,
    }),
    oldestUncovered: new Gauge({
      name: 'muster_oldest_uncovered_job_seconds',
      help: 'Age of the oldest queued job that nothing covers, without unmatched, not allowed and waiting ones; 0 when there is none.',
      labelNames: ['instance'],
      registers,
    }),
    webhookToDispatch: new Histogram({
      name: 'muster_webhook_to_dispatch_seconds',
      help: 'From the delivery that announced a job until its first runner was asked for.',
      labelNames: ['instance', 'target'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
      registers,
    }),
    boot: new Histogram({
      name: 'muster_boot_seconds',
      help: 'From the moment a runner was asked for until it showed itself at its forge.',
      labelNames: ['instance', 'target'],
      buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
      registers,
    }),
    look: new Histogram({
      name: 'muster_look_seconds',
      help: 'How long a look takes, by whether it saw everything.',
      labelNames: ['instance', 'complete'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    lastLook: new Gauge({
      name: 'muster_last_complete_look_timestamp_seconds',
      help: 'When the last look that saw everything began, in Unix time.',
      labelNames: ['instance'],
      registers,
    }),
    lastTurn: new Gauge({
      name: 'muster_last_turn_timestamp_seconds',
      help: 'When the last turn ended well, in Unix time.',
      labelNames: ['instance'],
      registers,
    }),
    lastDelivery: new Gauge({
      name: 'muster_last_delivery_timestamp_seconds',
      help: 'When the last signed delivery of this process was recorded, in Unix time.',
      labelNames: ['instance'],
      registers,
    }),
    lease: new Gauge({
      name: 'muster_lease',
      help: '1 while this process works the instance, 0 while another one does.',
      labelNames: ['instance'],
      registers,
    }),
    forgeQuota: new Gauge({
      name: 'muster_forge_quota',
      help: 'Calls that the forge allows in one window of its rate limit, where it tells.',
      labelNames: ['instance'],
      registers,
    }),
    forgeQuotaLeft: new Gauge({
      name: 'muster_forge_quota_left',
      help: 'Calls that are left of it.',
      labelNames: ['instance'],
      registers,
    }),
    breaker: new Gauge({
      name: 'muster_breaker_open',
      help: '1 while the breaker of a dispatcher is open: three starts in a row failed, and only a probe is let through.',
      labelNames: ['dispatcher'],
      registers,
    }),
    reloadOk: new Gauge({
      name: 'muster_config_reload_ok',
      help: '1 while the configuration that was read last is in force, 0 after one that was refused.',
      registers,
    }),
    reloads: new Counter({
      name: 'muster_config_reloads_total',
      help: 'Times that the configuration was read again, by what became of it.',
      labelNames: ['result'],
      registers,
    }),
    lastReload: new Gauge({
      name: 'muster_config_last_reload_timestamp_seconds',
      help: 'When the configuration in force was taken up, in Unix time.',
      registers,
    }),
    turn: new Histogram({
      name: 'muster_turn_seconds',
      help: 'How long a turn takes; looks go on beside it.',
      labelNames: ['instance'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    }),
  }
}

interface Counted {
  name: string
  targets: readonly { name: string }[]
}

/** Lets the counters of an instance begin at 0: to whoever watches for a rise, one that appears with its first count has not risen. */
export function beginCounters(metrics: Metrics, { name: instance, targets }: Counted): void {
  metrics.webhooksLost.inc({ instance }, 0)
  for (const result of deliveryResults) metrics.deliveries.inc({ instance, result }, 0)
  for (const { name: target } of targets) {
    for (const outcome of dispatchOutcomes) metrics.dispatches.inc({ instance, target, outcome }, 0)
  }
}

/** Shows the process besides: its version, memory, descriptors, processor time and how late its event loop is. */
export function showProcess({ registry }: Metrics, version: string): void {
  const about = { name: 'muster_build_info', help: 'Always 1; which Muster this is.', labelNames: ['version'] }
  new Gauge({ ...about, registers: [registry] }).set({ version }, 1)
  collectDefaultMetrics({ register: registry })
}

/** Takes the gauges back of what is configured no more: what they show would stay for ever. */
export function forgetRemoved(
  { registry }: Pick<Metrics, 'registry'>,
  kept: { instances: readonly Counted[]; dispatchers: ReadonlySet<string> },
): void {
  const targets = new Map(kept.instances.map(({ name, targets }) => [name, new Set(targets.map(({ name }) => name))]))
  const isKept = ({ instance, target, dispatcher }: Partial<Record<string, string | number>>) => {
    if (dispatcher !== undefined && !kept.dispatchers.has(String(dispatcher))) return false
    if (instance === undefined) return true
    const known = targets.get(String(instance))
    return known !== undefined && (!target || known.has(String(target)))
  }
  for (const gauge of registry.getMetricsAsArray()) {
    if (!(gauge instanceof Gauge)) continue
    void gauge.get().then(({ values }) => {
      for (const { labels } of values) if (!isKept(labels)) gauge.remove(labels)
    })
  }
}
