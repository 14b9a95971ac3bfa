import type { Clock } from '../../clock.ts'
import type { Evaluation, NomadApi } from './api.ts'

/** Milliseconds between looks at an evaluation that is not done, and how many of them. */
const pause = 1_000
const looks = 15

/** What keeps Nomad from placing a job, in its own words; null when it has placed it or does not say within some seconds. */
export async function whyNotPlaced(
  api: NomadApi,
  evaluation: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  for (let look = 0; look < looks && !signal.aborted; look++) {
    const told = await api.evaluation(evaluation, signal)
    if (told.Status !== 'pending') return obstacles(told)
    await clock.sleep(pause, signal)
  }
  return null
}

/** As `nomad job run` prints it (formatAllocMetrics of Nomad's command/monitor.go). */
function obstacles({ BlockedEval, FailedTGAllocs }: Evaluation): string | null {
  const groups = Object.entries(FailedTGAllocs ?? {}).map(([group, metric]) => {
    const lines = [
      ...(metric.NodesEvaluated ? [] : ['No nodes were eligible for evaluation']),
      ...counted(metric.ClassFiltered, (name, nodes) => `Class "${name}": ${nodes} nodes excluded by filter`),
      ...counted(metric.ConstraintFiltered, (name, nodes) => `Constraint "${name}": ${nodes} nodes excluded by filter`),
      ...counted(metric.DimensionExhausted, (name, nodes) => `Dimension "${name}" exhausted on ${nodes} nodes`),
      ...(metric.QuotaExhausted ?? []).map((quota) => `Quota limit hit "${quota}"`),
    ]
    return `group "${group}": ${lines.join(', ') || 'no placement'}`
  })
  if (groups.length > 0) return groups.join('; ')
  return BlockedEval ? 'its evaluation is blocked' : null
}

function counted(counts: Record<string, number> | null | undefined, line: (name: string, nodes: number) => string) {
  return Object.entries(counts ?? {}).map(([name, nodes]) => line(name, nodes))
}
