import { statSync } from 'node:fs'

/** Changes when a file is written or another is put in its place (also through a symbolic link, as Kubernetes does); null where there is none. */
export function stampOf(path: string): string | null {
  try {
    const { dev, ino, mtimeNs, size } = statSync(path, { bigint: true })
    return `${dev}/${ino}/${mtimeNs}/${size}`
  } catch {
    return null
  }
}
