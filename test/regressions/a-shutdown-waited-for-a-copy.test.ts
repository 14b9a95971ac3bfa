import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownCopy } from '../../src/dispatchers/process/program.ts'

// The runner of GitHub is most of a gigabyte: on a slow disk its copy outlasted the ten seconds in which SIGTERM is obeyed.
test('the copy of a runner is given up when its start is', async () => {
  const root = await mkdtemp(join(tmpdir(), 'muster-copy-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const [home, folder] = [join(root, 'actions-runner'), join(root, 'work')]
  await mkdir(join(home, 'bin'), { recursive: true })
  await mkdir(folder)
  for (const file of ['run.sh', 'bin/Runner.Listener']) {
    await writeFile(join(home, file), '')
    await chmod(join(home, file), 0o700)
  }
  const copied = () => readdir(folder, { recursive: true })
  await expect(ownCopy(join(home, 'run.sh'), folder, null, AbortSignal.abort())).rejects.toMatchObject({
    name: 'AbortError',
  })
  expect(await copied()).toEqual([])
  await ownCopy(join(home, 'run.sh'), folder, null, new AbortController().signal)
  expect((await copied()).sort()).toEqual(['runner', 'runner/bin', 'runner/bin/Runner.Listener', 'runner/run.sh'])
})
