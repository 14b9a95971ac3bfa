import { execFile } from 'node:child_process'
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, getuid } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { emptyFolder, handOver, ownFile, removeFolder } from '../../../src/dispatchers/process/work-folder.ts'

const code = fileURLToPath(new URL('../../../src/dispatchers/process/work-folder.ts', import.meta.url))
const nobody = { uid: 65_534, gid: 65_534 }

async function aFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'muster-folder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

// HOME is the work folder, and Go makes its module cache read-only.
test('a folder with a read-only cache in it is removed', async () => {
  const root = await aFolder()
  const cache = join(root, 'work', 'go', 'pkg', 'mod')
  await mkdir(cache, { recursive: true })
  await writeFile(join(cache, 'module.go'), '')
  for (const path of [cache, join(cache, '..')]) await chmod(path, 0o500)
  if (getuid?.() === 0) {
    // Nothing is read-only to root: somebody else has to try.
    for (const path of [root, join(root, 'work'), join(root, 'work/go'), join(cache, '..'), cache])
      await chown(path, nobody.uid, nobody.gid)
    const script = `await (await import(${JSON.stringify(code)})).removeFolder(${JSON.stringify(join(root, 'work'))}, null)`
    await promisify(execFile)(execPath, ['--input-type=module', '-e', script], { ...nobody, cwd: '/' })
  } else await removeFolder(join(root, 'work'), null)
  await expect(stat(join(root, 'work'))).rejects.toThrow(/ENOENT/)
})

test.each([null, nobody])('a folder that is not there is removed well, for %o', async (account) => {
  await expect(removeFolder(join(await aFolder(), 'none'), account)).resolves.toBeUndefined()
})

test.each([null, nobody])('what a link in a folder leads to stays as it is, for %o', async (account) => {
  const root = await aFolder()
  await mkdir(join(root, 'work'))
  await mkdir(join(root, 'elsewhere'), { mode: 0o500 })
  await writeFile(join(root, 'file'), 'stays')
  await symlink(join(root, 'elsewhere'), join(root, 'work', 'to-folder'))
  await symlink(join(root, 'file'), join(root, 'work', 'to-file'))
  await removeFolder(join(root, 'work'), account)
  expect((await stat(join(root, 'elsewhere'))).mode & 0o777).toBe(0o500)
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('stays')
})

test('a file is not written through a link that lies in its place', async () => {
  const root = await aFolder()
  await writeFile(join(root, 'shadow'), 'as it was')
  await symlink(join(root, 'shadow'), join(root, 'token'))
  await expect(ownFile(join(root, 'token'), 'x', null)).rejects.toThrow(/EEXIST/)
  expect(await readFile(join(root, 'shadow'), 'utf8')).toBe('as it was')
})

test.runIf(getuid?.() === 0)('the folder and what is laid in it belong to the user of the runner alone', async () => {
  const work = join(await aFolder(), 'work')
  await emptyFolder(work, nobody)
  await ownFile(join(work, 'token'), 'x', nobody)
  expect((await lstat(work)).uid).toBe(0)
  await handOver(work, nobody)
  for (const [path, mode] of [
    [work, 0o700],
    [join(work, 'tmp'), 0o700],
    [join(work, 'token'), 0o600],
  ] as const)
    expect(await lstat(path)).toMatchObject({ ...nobody, mode: expect.toSatisfy((all) => (all & 0o777) === mode) })
})
