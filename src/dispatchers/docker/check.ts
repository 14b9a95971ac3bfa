import { z } from 'zod'
import type { Finding } from '../../core/finding.ts'
import { shownAddress } from './address.ts'
import type { Engine } from './engine.ts'
import { said, statusOf } from './faults.ts'
import type { Images } from './images.ts'
import type { DockerOptions } from './options.ts'

export interface CheckPorts {
  engine: Engine
  images: Pick<Images, 'find'>
  options: DockerOptions
}

/** Milliseconds for one call. */
const bound = 10_000

const told = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
})
const about = z.object({
  OSType: z.string().optional(),
  MemoryLimit: z.boolean().optional(),
  CpuCfsQuota: z.boolean().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
})

/** Looks whether the engine can do what the options ask of it. Starts and pulls nothing, never rejects. */
export async function checkEngine(ports: CheckPorts, signal: AbortSignal): Promise<readonly Finding[]> {
  const { findings, podman } = await reachable(ports, signal)
  if (podman === null) return findings
  const parts = await Promise.all([
    abilities(ports, podman, signal),
    imagesThere(ports, signal),
    networksThere(ports, signal),
  ])
  return [...findings, ...openDoor(ports.options), ...parts.flat()]
}

async function reachable(
  { engine, options }: CheckPorts,
  signal: AbortSignal,
): Promise<{ findings: Finding[]; podman: boolean | null }> {
  const where = shownAddress(options.engine)
  try {
    const version = told.parse(await engine.call(bound, signal, (docker) => docker.version()))
    const podman = version.Components?.some(({ Name }) => /podman/i.test(Name)) ?? false
    const name = `${podman ? 'Podman' : 'Docker Engine'} ${version.Version} (API ${version.ApiVersion})`
    return { findings: [finding('good', 'engine_reachable', `${name} answers at ${where}`)], podman }
  } catch (error) {
    const message = `no container engine answers at ${where}: ${said(error)}`
    return { findings: [finding('problem', 'engine_reachable', message, mending(error, options))], podman: null }
  }
}

function mending(error: unknown, { engine }: DockerOptions): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM')
    return 'let the user that Muster runs as use the socket (group docker), or point "host" to a rootless engine of that user'
  if (/CERT|SELF_SIGNED|^ERR_(TLS|SSL)|^EPROTO$|^UNABLE_TO_/.test(code))
    return 'set ca_file to the authority of the engine, and cert_file and key_file to a certificate that it accepts'
  if (statusOf(error) !== null) return 'look whether "host" is the address of a Docker Engine or of Podman'
  return engine.kind === 'sockets'
    ? 'start Docker or "podman system service", or set "host"'
    : 'start the engine, or mend "host"'
}

async function abilities({ engine, options }: CheckPorts, podman: boolean, signal: AbortSignal): Promise<Finding[]> {
  const info = about.safeParse(await engine.call(bound, signal, (docker) => docker.info()).catch(() => null))
  if (!info.success) return [finding('warning', 'engine_abilities', 'the engine does not say what it can do')]
  const { OSType = 'linux', MemoryLimit = true, CpuCfsQuota = true, SecurityOptions } = info.data
  const rootless = SecurityOptions?.some((option) => option.includes('rootless')) ?? false
  const found: Finding[] = []
  if (OSType !== 'linux')
    found.push(
      finding(
        'problem',
        'engine_system',
        `the engine runs ${OSType} containers`,
        'use an engine that runs Linux containers',
      ),
    )
  if (!MemoryLimit || !CpuCfsQuota)
    found.push(
      finding(
        'warning',
        'engine_limits',
        'the engine cannot limit CPU or memory, so machine_type has no effect',
        'delegate the cgroup controllers cpu and memory to the user of the engine (systemd: Delegate=cpu memory)',
      ),
    )
  if (rootless && (options.privileged || options.dind !== null))
    found.push(
      finding(
        'warning',
        'privileged',
        'the engine is rootless, so a privileged container has only the rights of its user; an engine inside it may not start',
        'use an image made for it, such as docker:dind-rootless, or an engine that runs as root',
      ),
    )
  const limited = options.ulimits.map(({ name }) => name)
  if (podman && limited.length > 0 && !(limited.includes('nofile') && limited.includes('nproc')))
    found.push(
      finding(
        'warning',
        'ulimits',
        'once "ulimits" names one limit, Podman no longer uses its own defaults for nofile and nproc',
        'name both nofile and nproc, or leave "ulimits" out',
      ),
    )
  return found
}

async function imagesThere({ images, options }: CheckPorts, signal: AbortSignal): Promise<Finding[]> {
  const wanted = [options.image, options.dind].filter((image) => image !== null)
  const found = options.image === null ? [noImage] : []
  for (const image of wanted) {
    const here = await images.find(image, signal).catch(() => null)
    if (here) found.push(finding('good', 'image', `the image ${image} is on the engine`))
    else if (options.pull === 'never')
      found.push(
        finding('problem', 'image', `the image ${image} is not on the engine`, 'pull it there, or set "pull: missing"'),
      )
    else
      found.push(
        finding('note', 'image', `the image ${image} is not on the engine; the first runner waits for its pull`),
      )
  }
  return found
}

const noImage = finding('note', 'image', 'the dispatcher names no image, so each of its targets has to')

async function networksThere({ engine, options }: CheckPorts, signal: AbortSignal): Promise<Finding[]> {
  const found: Finding[] = []
  for (const network of options.networks.filter((name) => name !== 'host' && name !== 'none')) {
    const here = await engine
      .call(bound, signal, (docker) => docker.getNetwork(network).inspect())
      .then(
        () => true,
        (error: unknown) => statusOf(error) !== 404,
      )
    if (here) continue
    const fix = `make it ("docker network create ${network}"), or mend "networks"`
    found.push(finding('problem', 'network', `the engine has no network ${network}`, fix))
  }
  return found
}

function openDoor({ engine }: DockerOptions): Finding[] {
  if (engine.kind !== 'tcp' || engine.tls || ['127.0.0.1', '[::1]', 'localhost'].includes(engine.host)) return []
  const message = `whoever reaches tcp://${engine.host}:${engine.port} is root there: it is neither encrypted nor guarded`
  return [
    finding(
      'warning',
      'engine_open',
      message,
      'let the engine demand TLS (--tlsverify), and set ca_file, cert_file and key_file',
    ),
  ]
}

function finding(level: Finding['level'], check: string, message: string, fix: string | null = null): Finding {
  return { level, check, message, fix }
}
