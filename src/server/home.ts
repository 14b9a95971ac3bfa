import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { InstanceConfig } from '../config/config.ts'

/** The page at `/`: what is configured, and where to read on. */
export function home(instances: readonly InstanceConfig[]): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Muster</title>
<h1>Muster</h1>
<ul>
${instances.map(({ name, forge }) => html`<li><a href="/api/v1/instances/${encodeURIComponent(name)}">${name}</a> (${forge.kind})</li>\n`)}</ul>
<p><a href="/api/v1/jobs">Jobs</a> · <a href="/api/v1/runners">Runners</a> · <a href="/api/v1/dispatches">Dispatches</a> ·
<a href="/api/v1/events">Events</a> · <a href="/metrics">Metrics</a> · <a href="/api/v1/openapi.json">The API</a></p>
</html>
`
}
