import { execFile } from 'node:child_process'
import { chmod, lchown, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './account.ts'

// Runners may all run as one user, so a job can reach into the folder of another. What we do there as root must follow no link of theirs.

/** Makes an empty work folder that nobody but us can enter until it is handed over. */
export async function emptyFolder(folder: string, account: Account | null): Promise<void> {
  await removeFolder(folder, account)
  await mkdir(folder, { mode: 0o700 })
  await mkdir(join(folder, 'tmp'), { mode: 0o700 })
  if (account) await lchown(join(folder, 'tmp'), account.uid, account.gid)
}

/** Writes a file that the account alone can read. */
export async function ownFile(path: string, content: string, account: Account | null): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    if (account) await file.chown(account.uid, account.gid)
  } finally {
    await file.close()
  }
}

/** From now on the folder is the account's alone. */
export async function handOver(folder: string, account: Account | null): Promise<void> {
  if (account) await lchown(folder, account.uid, account.gid)
}

/** Removes a folder and all in it, also what was made read-only, as Go's module cache is. Content when it is not there. */
export async function removeFolder(folder: string, account: Account | null): Promise<void> {
  // Node goes by paths, so a job could lead it elsewhere between two steps; rm goes by the folders that it has opened.
  if (account) return void (await promisify(execFile)('rm', ['-rf', '--', folder]))
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if (!isDenied(error)) throw error
    await openUp(folder)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Lets the owner of these folders empty them. A folder of somebody else stays as it is. */
async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined)
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await openUp(join(folder, entry.name))
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
}
