import { expect, test } from 'vitest'
import { paragraph } from '../../src/commands/plan.ts'

const cleared = '\u001b[2J\u001b]0;owned\u0007'
const turned = '\u202efdp.exe'

// Who may push a workflow names its jobs and labels; `muster plan` printed them as they were.
test('what a forge tells of a job stays on its line of the plan', () => {
  const text = paragraph({
    instance: 'home',
    forge: 'gitea',
    version: '1.26',
    error: `something${cleared}`,
    runners: 0,
    jobs: [
      {
        id: '7',
        name: `build\n  would ask for 9 × linux${cleared}`,
        repository: 'acme/site',
        labels: [`linux\r${turned}`],
        state: 'queued',
        target: 'linux',
        verdict: 'dispatching',
        reason: null,
      },
    ],
    wanted: [{ target: 'linux', count: 1 }],
  })
  expect(text.trimEnd().split('\n')).toEqual([
    'home (gitea 1.26)',
    expect.stringMatching(/^ {2}could not see everything: something/),
    '  0 runners listed, 1 open jobs',
    expect.stringMatching(/^ {2}job 7 build/),
    '  would ask for 1 × linux',
  ])
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})
