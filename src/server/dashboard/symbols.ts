import { raw } from 'hono/html'

/** The shapes, drawn once per page and used by their names. */
export const symbols = raw(`<svg class="symbols" aria-hidden="true"><defs>
<symbol id="good" viewBox="0 0 16 16"><path d="M3 8.5l3.2 3.2L13 5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></symbol>
<symbol id="busy" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="currentColor"/></symbol>
<symbol id="idle" viewBox="0 0 16 16"><circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="2"/></symbol>
<symbol id="booting" viewBox="0 0 16 16"><circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="2"/><path d="M8 3.4a4.6 4.6 0 0 1 0 9.2z" fill="currentColor"/></symbol>
<symbol id="queued" viewBox="0 0 16 16"><path d="M3 4h10M3 8h10M3 12h6" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></symbol>
<symbol id="waiting" viewBox="0 0 16 16"><circle cx="3.5" cy="8" r="1.6" fill="currentColor"/><circle cx="8" cy="8" r="1.6" fill="currentColor"/><circle cx="12.5" cy="8" r="1.6" fill="currentColor"/></symbol>
<symbol id="trouble" viewBox="0 0 16 16"><path d="M8 2l6.6 11.6H1.4z" fill="currentColor" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round"/><path d="M8 6v3.6" stroke="var(--surface)" stroke-width="1.7" stroke-linecap="round"/><circle cx="8" cy="11.7" r="1" fill="var(--surface)"/></symbol>
<symbol id="paused" viewBox="0 0 16 16"><path d="M5.4 4v8M10.6 4v8" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/></symbol>
<symbol id="over" viewBox="0 0 16 16"><path d="M4 8h8" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/></symbol>
<symbol id="failed" viewBox="0 0 16 16"><path d="M4 4l8 8M12 4l-8 8" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/></symbol>
</defs></svg>`)
