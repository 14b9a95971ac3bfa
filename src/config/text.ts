import { readFileSync, statSync } from 'node:fs'

const largest = 1024 * 1024

/** The text of the configuration file, or why it cannot be had. A byte order mark at its start is left out. */
export function readText(file: string): { text: string } | { problem: string } {
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) return { problem: 'expected a file, found a directory' }
    if (stat.size > largest) return { problem: `expected a file of at most 1 MiB, found ${stat.size} bytes` }
    const bytes = readFileSync(file)
    if (bytes.length > largest) return { problem: `expected a file of at most 1 MiB, found ${bytes.length} bytes` }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    return { problem: unreadable(error) }
  }
}

function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'expected text in UTF-8, found other bytes, save it as UTF-8'
  if (code === 'ENOENT') return 'expected a file, found none, name it with --config FILE'
  if (code === 'EACCES')
    return `expected a readable file, found no permission to read it (as user ${process.getuid?.() ?? '?'})`
  return `expected a readable file, found ${code}`
}
