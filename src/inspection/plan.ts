import type { Config, InstanceConfig } from '../config/config.ts'
import { type AppPorts, openForge, openParts, turnDeps } from '../parts.ts'
import { type PlannedInstance, preview } from '../worker/preview.ts'

/**
 * One look at every forge and what would follow from it, nothing done: `muster plan`. It opens neither the running service's state nor a
 * dispatcher, which would take up what an earlier process left.
 */
export async function plannedInstances(config: Config, ports: AppPorts = {}): Promise<PlannedInstance[]> {
  const parts = await openParts(
    { ...config, state: { kind: 'sqlite', path: ':memory:' } },
    { logLevel: 'silent', ...ports },
  )
  try {
    const look = (instance: InstanceConfig) =>
      preview(turnDeps(config, instance, openForge(instance, parts), new Map(), parts), AbortSignal.timeout(60_000))
    return await Promise.all(config.instances.map(look))
  } finally {
    await parts.store.close()
  }
}
