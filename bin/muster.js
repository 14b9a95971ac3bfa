#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must be able to read this far, to be told what it lacks.
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `muster needs Node.js 24.15 or newer (its embedded SQLite and TypeScript support); this is ${process.versions.node}.\n` +
      'In a checkout, `npm ci` brings a fitting Node.js and `npm start` uses it; elsewhere install Node.js 24 or 26.\n',
  )
  process.exit(1)
}

// Halves the time to start; the cache is Node's own, in the temporary folder.
module.enableCompileCache?.()

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const built = fileURLToPath(new URL('../dist/main.js', import.meta.url))
await import(existsSync(source) ? source : built)
