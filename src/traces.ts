import { createHash } from 'node:crypto'
import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { JobSpan } from './core/job-spans.ts'

/** Where the way of each job is told. */
export interface Traces {
  /** Tells a tree of spans; `of` is what it is about, and the same always has the same trace id. Never throws, waits for nothing. */
  tell(of: string, tree: JobSpan): void
  /** Sends what is left, within a few seconds. */
  close(): Promise<void>
}

/** Tells nobody. */
export const noTraces: Traces = { tell: () => undefined, close: async () => undefined }

/** Milliseconds that the last spans get at a shutdown. */
const closeGrace = 2_000

/**
 * Traces by OpenTelemetry, off unless the environment names a collector in OpenTelemetry's own variables
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
 */
export async function openTraces(env: NodeJS.ProcessEnv, version: string): Promise<Traces> {
  const url = collector(env)
  if (!url || env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return noTraces
  // Loaded only where it is wanted: it takes longer than all of our own code.
  const [{ BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all(
    [
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ],
  )
  const ids = createIds()
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME || 'muster', 'service.version': version }),
    idGenerator: ids.generator,
    spanLimits: { attributeValueLengthLimit: 256 },
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  })
  const tracer = provider.getTracer('muster', version)

  function begin({ name, from, to, about, inside }: JobSpan, parent: Context): void {
    const attributes = Object.fromEntries(
      Object.entries(about).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    )
    const span = tracer.startSpan(name, { startTime: from, attributes }, parent)
    for (const child of inside) begin(child, trace.setSpan(parent, span))
    span.end(to)
  }

  return {
    tell(of, tree) {
      ids.begin(of)
      begin(tree, ROOT_CONTEXT)
    },
    async close() {
      const patience = AbortSignal.timeout(closeGrace)
      const late = new Promise<void>((resolve) => patience.addEventListener('abort', () => resolve(), { once: true }))
      // A collector that is away is no reason to end late, or badly.
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  }
}

/** Where traces go: an address of their own as it is, else the common one with the path that the protocol gives. */
function collector(env: NodeJS.ProcessEnv): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: common } = env
  return own || (common && `${common.replace(/\/+$/, '')}/v1/traces`)
}

/** Ids that follow from what a tree is about, so that whoever knows the job can find its trace. */
function createIds() {
  let of = ''
  let spans = 0
  const digest = (text: string) => createHash('sha256').update(text).digest('hex')
  return {
    begin(about: string) {
      of = about
      spans = 0
    },
    generator: {
      generateTraceId: () => digest(of).slice(0, 32),
      generateSpanId: () => digest(`${of}#${spans++}`).slice(0, 16),
    },
  }
}
