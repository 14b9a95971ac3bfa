/** One entry of a tar archive; directories have no content. */
export interface TarEntry {
  path: string
  content: string | null
  mode: number
  uid: number
  gid: number
}

const block = 512

/** An archive in the ustar format (POSIX.1-1988), as engines take it. Paths are at most 100 bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(written), Buffer.alloc(2 * block)])
}

function written(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  const padding = Buffer.alloc((block - (content.length % block)) % block)
  return [header(entry, content.length), content, padding]
}

function header({ path, content, mode, uid, gid }: TarEntry, size: number): Buffer {
  const bytes = Buffer.alloc(block)
  const octal = (value: number, at: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  bytes.write(path, 0, 100)
  octal(mode, 100, 8)
  octal(uid, 108, 8)
  octal(gid, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  bytes.write(content === null ? '5' : '0', 156)
  bytes.write('ustar\x0000', 257)
  // The checksum is taken with spaces in its own place.
  bytes.fill(' ', 148, 156)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}
