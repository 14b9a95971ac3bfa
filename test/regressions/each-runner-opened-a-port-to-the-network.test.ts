import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { recipe } from '../../src/dispatchers/recipe.ts'
import { aCredential, aRequest } from '../dispatchers/contract.ts'

const shared = { kind: 'registration-token', url: 'https://git.example', token: 'shared' } as const

// Left to itself the runner of either forge serves a cache on every interface of its host, each runner on a port of its own, and the
// cache goes with the work folder: no later job finds anything in it.
test.each([aCredential(), { ...shared, forge: 'forgejo' as const }, { ...shared, forge: 'gitea' as const }])(
  'a runner with the credential $kind of $forge is told to serve no cache',
  (credential) => {
    const { args, files } = recipe(aRequest(), credential, null, '/srv/d1')
    const [file = ''] = args.flatMap((arg) => /^--config=\/srv\/d1\/(.+)$/.exec(arg)?.[1] ?? [])
    expect(parse(files[file] ?? '')).toEqual({ cache: { enabled: false } })
  },
)
