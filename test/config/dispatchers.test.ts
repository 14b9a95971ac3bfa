import { isAbsolute } from 'node:path'
import { expect, test } from 'vitest'
import { load, refused, yaml } from './written.ts'

const chosen = (text: string) => load(text).instances[0]?.targets[0]?.dispatcher

test.each`
  story                                             | lines                                                                                                                                                | name
  ${'nothing configured at all'}                    | ${{}}                                                                                                                                                | ${'process'}
  ${'the only entry'}                               | ${{ top: ['dispatchers: { far: { url: "http://f:1" } }'] }}                                                                                          | ${'far'}
  ${'the entry default'}                            | ${{ top: ['dispatchers: { far: { url: "http://f:1" }, default: { kind: process } }'] }}                                                              | ${'default'}
  ${'dispatcher by name, before the entry default'} | ${{ top: ['dispatcher: far', 'dispatchers: { far: { url: "http://f:1" }, default: { kind: process } }'] }}                                           | ${'far'}
  ${"the instance's, before dispatcher"}            | ${{ instance: ['dispatcher: far'], top: ['dispatcher: { kind: process }', 'dispatchers: { far: { url: "http://f:1" } }'] }}                          | ${'far'}
  ${"the instance's, written out"}                  | ${{ instance: ['dispatcher: { url: "http://f:1" }'] }}                                                                                               | ${'main'}
  ${"the target's, before the instance's"}          | ${{ target: ['labels: [a]', 'dispatcher: far'], instance: ['dispatcher: { kind: process }'], top: ['dispatchers: { far: { url: "http://f:1" } }'] }} | ${'far'}
  ${"the target's, written out"}                    | ${{ target: ['labels: [a]', 'dispatcher: { url: "http://f:1" }'] }}                                                                                  | ${'main/a'}
`('a target runs on $story', ({ lines, name }) => {
  expect(chosen(yaml(lines))).toBe(name)
})

test('dispatcher goes before the entry default, and both keep a name of their own', () => {
  const { dispatchers, instances } = load(
    yaml({ top: ['dispatcher: { url: "http://one:1" }', 'dispatchers: { default: { url: "http://two:1" } }'] }),
  )
  const name = instances[0]?.targets[0]?.dispatcher ?? ''
  expect(dispatchers.get(name)?.settings.options).toMatchObject({ url: new URL('http://one:1') })
  expect([...dispatchers.keys()]).toEqual(['default', name])
})

test('a dispatcher of the kind process has its own folder and small environment', () => {
  const { dispatchers } = load(
    yaml({
      top: [
        'dispatcher: { kind: process, command: [runner, "one-job"], user: ci, env: { CI: "1" }, max_parallel: 3, on_shutdown: wait }',
      ],
    }),
  )
  const one = dispatchers.get('default')
  expect(one).toMatchObject({ maxParallel: 3, onShutdown: 'wait' })
  expect(one?.settings.options).toMatchObject({ command: ['runner', 'one-job'], user: 'ci', env: { CI: '1' } })
  expect(one?.settings.kind === 'process' && isAbsolute(one.settings.options.workDir)).toBe(true)
})

test('an instance whose dispatcher says only a timeout uses the default one, as with the ancestor, and is warned', () => {
  const config = load(yaml({ instance: ['dispatcher: { timeout: 30s }'], top: ['dispatcher: { url: "http://d:1" }'] }))
  expect(config.instances[0]?.targets[0]?.dispatcher).toBe('default')
  expect(config.warnings).toContain('A dispatcher with neither kind nor url is not used; the default takes its place.')
})

test.each`
  lines                                                                                                    | problem
  ${{ top: ['dispatchers: { a: { kind: process }, b: { url: "http://b:1" } }'] }}                          | ${'autoscaler.yaml:5:15 instances[0].targets[0].dispatcher: expected one of a, b, found nothing, or call one of them default'}
  ${{ instance: ['dispatcher: elsewhere'], top: ['dispatcher: { kind: process }'] }}                       | ${'autoscaler.yaml:6:5 instances[0].dispatcher: expected the name of a dispatcher (default), found "elsewhere"'}
  ${{ top: ['dispatcher: docker'] }}                                                                       | ${'autoscaler.yaml:6:1 dispatcher: expected a dispatcher, found "docker", none has a name here; write it out, such as {kind: process}'}
  ${{ top: ['dispatcher: { kind: proces }'] }}                                                             | ${'autoscaler.yaml:6:15 dispatcher.kind: expected a kind (http, process, docker, kubernetes, nomad, command) or a url, found "proces"'}
  ${{ top: ['dispatcher: { max_parallel: 3 }'] }}                                                          | ${'autoscaler.yaml:6:1 dispatcher.kind: expected a kind (http, process, docker, kubernetes, nomad, command) or a url, found nothing'}
  ${{ top: ['dispatcher: { kind: process, command: run me }'] }}                                           | ${'autoscaler.yaml:6:30 dispatcher.command: expected a list of arguments, found "run me", such as ["forgejo-runner", "one-job"]'}
  ${{ top: ['dispatcher: { url: "http://d:1", command: [x] }'] }}                                          | ${'autoscaler.yaml:6:34 dispatcher.command: expected a known key, found "command", known here: kind, timeout, launch_concurrency, max_parallel, on_shutdown, url, token, token_env, token_file, token_credential, ca_file, idempotent'}
  ${{ target: ['labels: [a]', 'fallback: [default, elsewhere]'], top: ['dispatcher: { kind: process }'] }} | ${'autoscaler.yaml:7:29 instances[0].targets[0].fallback[1]: expected the name of a dispatcher (default), found "elsewhere"'}
`('a dispatcher is refused: $problem', ({ lines, problem }) => {
  expect(refused(yaml(lines))).toEqual([problem])
})
