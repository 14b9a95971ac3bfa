import { z } from 'zod'
import { isLoopback, listenAddress, postgresUrl } from '../fields/address.ts'
import { chosen, mapping, named } from '../fields/mapping.ts'
import { told } from '../fields/refusal.ts'
import { secret } from '../fields/secret.ts'
import { byteSize, flag, name, oneOf, type Reading, text } from '../fields.ts'
import type { StateConfig } from './config.ts'
import { dispatcherApi } from './dispatcher-api-schema.ts'
import { dispatcher, dispatcherOrName } from './dispatcher-schema.ts'
import { instance } from './instance-schema.ts'

/** The configuration as it stands in the file: checked, with defaults, and not yet joined together. */
export type Written = z.output<ReturnType<typeof configuration>>

/** The whole file. */
export function configuration(reading: Reading) {
  return mapping(
    {
      listen: listenAddress.prefault(':8090'),
      max_body: byteSize(1_024, 64 * 1024 * 1024).prefault('1MiB'),
      admin: admin(reading).prefault({}),
      state: state(reading).prefault('sqlite:muster.db'),
      owner: text(
        'a word of 1 to 23 characters (a runner is called <owner>-<16 characters>, at most 40 in all)',
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,22}$/,
      ).default('muster'),
      dry_run: flag.default(false),
      watch: flag.default(false),
      dispatcher: dispatcherOrName(reading).nullable().default(null),
      dispatchers: named(name, dispatcher(reading)).prefault({}),
      instances: z
        .array(instance(reading), { error: told('a list of instances') })
        .min(1, { error: told('at least one instance') }),
      dispatcher_api: dispatcherApi(reading).optional(),
    },
    ({ listen, admin }, tell) => {
      if (!listen || !admin?.listen || listen.port === 0 || listen.port !== admin.listen.port) return
      if (listen.host !== admin.listen.host && listen.host !== '' && admin.listen.host !== '') return
      tell(['admin', 'listen'], `expected another port than that of listen, found ${listen.port} for both`)
    },
  )
}

function admin(reading: Reading) {
  return mapping(
    {
      listen: listenAddress.nullable().default(null),
      tokens: z.array(accessToken(reading), { error: told('a list of {name, role, token}') }).default([]),
    },
    ({ listen, tokens }, tell) => {
      if (!listen || isLoopback(listen.host) || tokens?.length !== 0) return
      tell(['tokens'], 'expected at least one token, because admin.listen is not a loopback address, found nothing')
    },
  )
}

function accessToken(reading: Reading) {
  return mapping({ name, role: oneOf(['read', 'operate', 'admin']), token: secret(reading) })
}

const path = text(
  'sqlite:PATH or postgres://…',
  /^sqlite:(?!\/\/[^/])[^\0]+$/,
  'such as sqlite:muster.db or sqlite:/var/lib/muster/muster.db',
)

function state(reading: Reading): z.ZodType<StateConfig> {
  return chosen(
    (input): z.ZodType<StateConfig> =>
      typeof input === 'string' && /^postgres(ql)?:/i.test(input)
        ? postgresUrl(reading).transform((url) => ({ kind: 'postgres', url }))
        : path.transform((written) => ({ kind: 'sqlite', path: written.slice('sqlite:'.length) })),
  )
}
