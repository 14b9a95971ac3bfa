import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { type Fields, isTree, mapping, named, type Tree } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { durationOf, flag, optionalText, type Reading, text, variables, wholeNumber } from '../../fields.ts'

export interface KubernetesOptions {
  /** Where the API server and the credentials for it stand; null for those of the pod that we run in. */
  kubeconfig: string | null
  /** Of the kubeconfig; null for its current one. */
  context: string | null
  /** Where the Jobs are made; null for the context's own, or the pod's. */
  namespace: string | null
  /** For targets that name none. */
  image: string | null
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
  /** Set by the start script, so it stands in the Secret alone. */
  env: Readonly<Record<string, string>>
  serviceAccount: string | null
  nodeSelector: Readonly<Record<string, string>>
  /** As Kubernetes writes them. */
  tolerations: readonly Toleration[]
  /** For targets without a `machine_type`. */
  resources: Resources | null
  dind: Dind | null
  imagePullSecrets: readonly string[]
  runtimeClass: string | null
  priorityClass: string | null
  /** Milliseconds for which an ended Job is kept, for people and for late repeats of its request. */
  ttlAfterFinished: number
  /** A partial PodTemplateSpec that ours is laid upon. */
  podTemplate: Tree
}

export interface Toleration {
  key?: string
  operator?: 'Exists' | 'Equal'
  value?: string
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  tolerationSeconds?: number
}

/** Quantities as Kubernetes writes them (`500m`, `2Gi`). */
export interface Resources {
  requests: Readonly<Record<string, string>>
  limits: Readonly<Record<string, string>>
}

/** A Docker daemon of its own beside each runner. */
export interface Dind {
  image: string
  privileged: boolean
}

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const dnsName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/

/** How it is written, beside what every dispatcher has. */
export function kubernetesFields(reading: Reading) {
  return {
    kubeconfig: kubeconfigFile(reading),
    context: optionalText,
    namespace: text('the name of a namespace', dnsLabel).nullable().prefault(null),
    image: optionalText,
    command: z
      .array(text('a text', /^[^\0]*$/), {
        error: told('a list of arguments', 'such as ["forgejo-runner", "one-job"]'),
      })
      .min(1, { error: told('a list with the program first') })
      .nullable()
      .prefault(null),
    env: variables.prefault({}),
    service_account: objectName('a service account'),
    node_selector: strings('the value of a label').prefault({}),
    tolerations: z.array(toleration, { error: told('a list of tolerations') }).prefault([]),
    resources: mapping({
      requests: strings('a quantity such as 500m or 2Gi').prefault({}),
      limits: strings('a quantity such as 500m or 2Gi').prefault({}),
    })
      .nullable()
      .prefault(null),
    dind: mapping({ image: text('an image', /^\S+$/).prefault('docker:dind'), privileged: flag.default(false) })
      .nullable()
      .prefault(null),
    image_pull_secrets: z.array(text('the name of a secret', dnsName), { error: told('a list of names') }).prefault([]),
    runtime_class: objectName('a runtime class'),
    priority_class: objectName('a priority class'),
    ttl_after_finished: durationOf().prefault('5m'),
    pod_template: z
      .unknown()
      .refine(isTree, { error: told('a mapping, part of a PodTemplateSpec') })
      .transform((tree) => (isTree(tree) ? tree : {}))
      .prefault({}),
  }
}

export function kubernetesOptions(fields: Fields<ReturnType<typeof kubernetesFields>>): KubernetesOptions {
  return {
    kubeconfig: fields.kubeconfig,
    context: fields.context,
    namespace: fields.namespace,
    image: fields.image,
    command: fields.command,
    env: fields.env,
    serviceAccount: fields.service_account,
    nodeSelector: fields.node_selector,
    tolerations: fields.tolerations,
    resources: fields.resources,
    dind: fields.dind,
    imagePullSecrets: fields.image_pull_secrets,
    runtimeClass: fields.runtime_class,
    priorityClass: fields.priority_class,
    ttlAfterFinished: fields.ttl_after_finished,
    podTemplate: fields.pod_template,
  }
}

function objectName(what: string): z.ZodType<string | null> {
  return text(`the name of ${what}`, dnsName).nullable().prefault(null)
}

function strings(expected: string): z.ZodType<Readonly<Record<string, string>>> {
  const value = z.union([z.string(), z.number().transform(String)], { error: told(expected) })
  return named(text('a name', /^[^\s\0]+$/), value).transform((values) => Object.fromEntries(values))
}

// The words of Kubernetes are as they are there, also in their case.
const toleration: z.ZodType<Toleration> = mapping({
  key: z.string({ error: told('a text') }).optional(),
  operator: exactly(['Exists', 'Equal']).optional(),
  value: z.string({ error: told('a text', 'put it in quotes') }).optional(),
  effect: exactly(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: wholeNumber(0).optional(),
}).transform((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)))

function exactly<const Word extends string>(words: readonly [Word, ...Word[]]): z.ZodType<Word> {
  return z.enum(words, { error: told(words.join(', ')) })
}

function kubeconfigFile({ folder, files }: Reading): z.ZodType<string | null> {
  return z
    .string({ error: told('the path of a kubeconfig') })
    .transform((path, ctx) => {
      const full = resolve(folder, path)
      files.push(full)
      try {
        accessSync(full, constants.R_OK)
        if (statSync(full).isFile()) return full
      } catch {
        // Told below.
      }
      ctx.issues.push({ code: 'custom', message: told('a readable kubeconfig')({ input: path }), input: path })
      return z.NEVER
    })
    .nullable()
    .prefault(null)
}
