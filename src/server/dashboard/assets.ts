import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Context } from 'hono'

/** What browsers are given besides pages: a style, a few small scripts, and the plotting library as its package ships it. */
export interface Assets {
  /** Names the content too, so that a browser may keep it for ever and still gets a new one. */
  url(name: string): string
  /** The file, or null where there is none of this name. */
  answer(c: Context, name: string): Response | null
}

const own = join(import.meta.dirname, 'static')
const plotting = dirname(createRequire(import.meta.url).resolve('uplot'))

const files: readonly [name: string, path: string, type: string][] = [
  ['muster.css', join(own, 'muster.css'), 'text/css'],
  ['muster.svg', join(own, 'muster.svg'), 'image/svg+xml'],
  ['theme.js', join(own, 'theme.js'), 'text/javascript'],
  ['page.js', join(own, 'page.js'), 'text/javascript'],
  ['times.js', join(own, 'times.js'), 'text/javascript'],
  ['live.js', join(own, 'live.js'), 'text/javascript'],
  ['plot.js', join(own, 'plot.js'), 'text/javascript'],
  ['uplot.js', join(plotting, 'uPlot.iife.min.js'), 'text/javascript'],
  ['uplot.css', join(plotting, 'uPlot.min.css'), 'text/css'],
]

interface Asset {
  type: string
  etag: string
  plain: Buffer
  /** Made when it is first asked for. */
  packed: Partial<Record<'br' | 'gzip', Buffer>>
}

/** Reads the files. Throws when one is not there: the installation is not whole. */
export function loadAssets(): Assets {
  const assets = new Map(files.map(([name, path, type]) => [name, load(path, type)]))
  return {
    url: (name) => `/static/${name}?v=${assets.get(name)?.etag.slice(1, 11)}`,
    answer(c, name) {
      const asset = assets.get(name)
      return asset ? answerOf(c, asset) : null
    },
  }
}

function load(path: string, type: string): Asset {
  const plain = readFileSync(path)
  const etag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 32)}"`
  return { type: `${type}; charset=utf-8`, etag, plain, packed: {} }
}

function answerOf(c: Context, asset: Asset): Response {
  const isNamed = c.req.query('v') === asset.etag.slice(1, 11)
  const headers: Record<string, string> = {
    etag: asset.etag,
    vary: 'Accept-Encoding',
    'cache-control': isNamed ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
  if (c.req.header('if-none-match')?.includes(asset.etag)) return c.body(null, 304, headers)
  const coding = (['br', 'gzip'] as const).find((one) =>
    new RegExp(`\\b${one}\\b`).test(c.req.header('accept-encoding') ?? ''),
  )
  if (coding) headers['content-encoding'] = coding
  const bytes = coding ? packed(asset, coding) : asset.plain
  return c.body(new Uint8Array(bytes), 200, { ...headers, 'content-type': asset.type })
}

function packed(asset: Asset, coding: 'br' | 'gzip'): Buffer {
  asset.packed[coding] ??=
    coding === 'br'
      ? brotliCompressSync(asset.plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
      : gzipSync(asset.plain, { level: 9 })
  return asset.packed[coding]
}
