import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the image', () => {
  const lines = read('Containerfile').replaceAll(/\\\n/g, ' ').split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  const said = (word: string) => last.filter((line) => line.startsWith(`${word} `))

  test('ends as a user without rights, who owns nothing but the state', () => {
    expect(said('USER')).toEqual(['USER node'])
    const owned = last.join('\n').match(/chown \S+ (.*)/g)
    expect(owned).toEqual(['chown node:node /var/lib/muster'])
  })

  test('holds no secret, and fetches nothing by itself', () => {
    expect(lines.filter((line) => /^(ARG|ADD) /.test(line))).toEqual([])
    expect(said('ENV')).toEqual(['ENV NODE_ENV=production'])
    expect(read('.containerignore')).toMatch(/^\*$/m)
  })

  test('runs node itself, whose debugger no signal opens', () => {
    expect(said('ENTRYPOINT')).toEqual([
      'ENTRYPOINT ["node", "--disable-sigusr1", "--disable-proto=delete", "/opt/muster/bin/muster.js"]',
    ])
    expect(lines.filter((line) => line.includes('--inspect'))).toEqual([])
  })
})

test('in compose it may write its state alone, has no rights and a bound to what it takes, and shows the API to this machine only', () => {
  const { muster } = parse(read('deploy/compose.yaml')).services
  expect(muster).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    tmpfs: ['/tmp'],
    mem_limit: expect.any(String),
    pids_limit: expect.any(Number),
    ulimits: { core: 0 },
  })
  expect(muster).not.toHaveProperty('privileged')
  expect(muster.volumes.filter((volume: string) => /docker\.sock|:rw$/.test(volume))).toEqual([])
  expect(muster.ports).toEqual(['8090:8090', '127.0.0.1:8091:8091'])
})

describe('the systemd unit', () => {
  const unit = read('deploy/muster.service')
  const settings = new Map([...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]))

  test.each`
    setting                       | value
    ${'DynamicUser'}              | ${'yes'}
    ${'LoadCredential'}           | ${'forge-token:/etc/muster/forge-token'}
    ${'ProtectSystem'}            | ${'strict'}
    ${'ProtectHome'}              | ${'yes'}
    ${'PrivateTmp'}               | ${'yes'}
    ${'PrivateDevices'}           | ${'yes'}
    ${'NoNewPrivileges'}          | ${'yes'}
    ${'RestrictNamespaces'}       | ${'yes'}
    ${'RestrictAddressFamilies'}  | ${'AF_INET AF_INET6 AF_UNIX'}
    ${'SystemCallFilter'}         | ${'@system-service'}
    ${'CapabilityBoundingSet'}    | ${''}
    ${'RestartPreventExitStatus'} | ${'78'}
    ${'LimitCORE'}                | ${'0'}
    ${'UMask'}                    | ${'0077'}
  `('says $setting=$value', ({ setting, value }) => {
    expect(settings.get(setting)).toBe(value)
  })

  test('has no secret in it, lets V8 make its code, and starts node without a way to its debugger', () => {
    expect(unit).not.toMatch(/^Environment=/m)
    expect(settings.has('MemoryDenyWriteExecute')).toBe(false)
    expect(settings.get('ExecStart')).toMatch(
      /^\/usr\/bin\/node --disable-sigusr1 --disable-proto=delete \/opt\/muster\/bin\/muster\.js serve /,
    )
  })

  test('is exposed by 2.5 of 10 at the most, as systemd counts', ({ skip }) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return skip('systemd-analyze is not there')
    // In a folder of its own: the drop-in beside it is for those whose runners are on the same machine.
    const folder = mkdtempSync(join(tmpdir(), 'muster-unit-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    copyFileSync(join(root, 'deploy/muster.service'), join(folder, 'muster.service'))
    const options = ['security', '--offline=true', '--threshold=25', '--no-pager']
    const run = spawnSync('systemd-analyze', [...options, join(folder, 'muster.service')], { encoding: 'utf8' })
    const [, exposure] = /exposure level for muster\.service: ([\d.]+)/.exec(run.stdout) ?? []
    if (exposure === undefined) return skip(`systemd-analyze is too old: ${run.stderr.trim()}`)
    expect(Number(exposure)).toBeLessThanOrEqual(2.5)
  })
})

// That the Role holds exactly what is used is tested in test/dispatchers/kubernetes/deploy.test.ts.
test('the policy for Nomad lets Muster use the job of its runners, and look at what became of it', () => {
  const policy = read('deploy/nomad/muster.policy.hcl').replaceAll(/#.*/g, '')
  expect([...policy.matchAll(/^(\w+) "([^"]+)"/gm)].map(([, what]) => what)).toEqual(['namespace'])
  const listed = policy.match(/"[\w-]+-jobs?"/g)
  // Ending a job asks for submit-job: only newer versions have a right for that alone.
  expect(listed).toEqual(['"dispatch-job"', '"list-jobs"', '"read-job"', '"submit-job"'])
  expect(policy).not.toMatch(/\bpolicy\s*=|alloc-|read-fs|csi-|variables|operator|agent|node\b/)
})
