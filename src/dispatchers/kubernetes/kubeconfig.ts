import { isIP } from 'node:net'
import { env } from 'node:process'
import type { Cluster, KubeConfig } from '@kubernetes/client-node'
import { DispatcherUnusable } from '../errors.ts'
import type { KubernetesOptions } from './options.ts'

/** Reads the kubeconfig, or what a pod finds of its own cluster, into `config`. Throws `DispatcherUnusable`. */
export function loaded(config: KubeConfig, { kubeconfig, context }: KubernetesOptions): KubeConfig {
  if (kubeconfig === null && !env.KUBERNETES_SERVICE_HOST)
    throw new DispatcherUnusable('Muster runs in no pod of a cluster: set "kubeconfig" to the path of one')
  try {
    if (kubeconfig === null) config.loadFromCluster()
    else config.loadFromFile(kubeconfig)
  } catch (error) {
    throw new DispatcherUnusable(`the kubeconfig ${kubeconfig ?? 'of this pod'} cannot be read: ${firstLine(error)}`)
  }
  if (context !== null) config.setCurrentContext(context)
  if (config.getCurrentCluster() === null)
    throw new DispatcherUnusable(
      context === null
        ? 'the kubeconfig has no current context with a cluster: set "context"'
        : `the kubeconfig has no context "${context}" with a cluster`,
    )
  config.clusters = config.clusters.map((cluster) => ({ ...cluster, tlsServerName: serverName(cluster) }))
  return config
}

/**
 * The name that a certificate is held against: it is that of the address, unless another is said. Saying it makes the client take a
 * connection of its own for each call, which can be ended; else it would share one that nobody but its pool can end.
 */
function serverName({ server, tlsServerName }: Cluster): string | undefined {
  const host = URL.parse(server)?.hostname ?? ''
  return tlsServerName ?? (isIP(host.replace(/^\[|\]$/g, '')) ? undefined : host || undefined)
}

/** A configuration whose connections can be ended, in whatever state they are: the client's own watch can be ended only once it is answered. */
export function tied(config: KubeConfig): { config: KubeConfig; end: () => void } {
  const ends: (() => Promise<void> | undefined)[] = []
  let over = false
  const authenticate = config.applySecurityAuthentication.bind(config)
  config.applySecurityAuthentication = async (context) => {
    await authenticate(context)
    if (over) throw new DOMException('the watch was given up', 'AbortError')
    const connection = context.getDispatcher()
    ends.push(() => connection?.destroy())
  }
  return {
    config,
    end() {
      over = true
      for (const end of ends) void end()?.catch(() => undefined)
    },
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1).join('')
}
