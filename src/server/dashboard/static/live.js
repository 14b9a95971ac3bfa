// Keeps a page true: after an event the same page is fetched again, and what differs in it takes the place of what is shown.
const says = document.getElementById('live')
const atMostEach = 1_000
const atLeastEach = 30_000

let stream = null
let trueAt = Date.now()
let fetchedAt = 0
let due = null
let fetching = false
/** A button that went away while it is pressed would do nothing. */
let pressed = false

function tell(state, words) {
  if (!says || says.dataset.state === state) return
  says.dataset.state = state
  says.textContent = words
}

/** One refresh for all that happens within a second. */
function soon() {
  if (due === null) due = setTimeout(refresh, Math.max(0, fetchedAt + atMostEach - Date.now()))
}

async function refresh() {
  due = null
  if (fetching || pressed) return soon()
  fetching = true
  fetchedAt = Date.now()
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' })
    if (answer.status === 401) return location.reload()
    if (!answer.ok) throw new Error(String(answer.status))
    swap(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    trueAt = Date.now()
    if (stream?.readyState === EventSource.OPEN) tell('live', 'live')
    document.dispatchEvent(new Event('muster:fresh'))
  } catch {
    tell('stale', `stale since ${new Date(trueAt).toLocaleTimeString()}`)
  } finally {
    fetching = false
  }
}

/** What has focus keeps it, and what was unfolded stays so. Scrolling stays because nothing else moves. */
function swap(fresh) {
  for (const shown of document.querySelectorAll('[data-live][id]')) {
    const next = fresh.getElementById(shown.id)
    if (!next || next.innerHTML === shown.dataset.was) continue
    shown.dataset.was = next.innerHTML
    const held = shown.contains(document.activeElement) ? placeOf(document.activeElement, shown) : null
    for (const open of shown.querySelectorAll('details[id][open]'))
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute('open', '')
    shown.replaceChildren(...next.childNodes)
    if (held) find(held, shown)?.focus({ preventScroll: true })
  }
}

const reached = 'a[href], button, input, select, summary'

function placeOf(element, root) {
  const name = (one) => one.getAttribute('aria-label') ?? one.getAttribute('href') ?? one.name ?? ''
  const same = [...root.querySelectorAll(reached)].filter((one) => name(one) === name(element))
  return { name: name(element), index: same.indexOf(element), kind: name }
}

function find({ name, index, kind }, root) {
  return [...root.querySelectorAll(reached)].filter((one) => kind(one) === name)[index]
}

function connect() {
  if (document.hidden) return
  stream ??= new EventSource('/api/v1/events')
  stream.onopen = () => {
    tell('live', 'live')
    soon()
  }
  stream.onmessage = soon
  stream.onerror = () => {
    tell('reconnecting', 'reconnecting…')
    // A browser gives up on an answer that is no stream; we do not.
    if (stream?.readyState !== EventSource.CLOSED) return
    stream = null
    setTimeout(connect, 5_000)
  }
}

if (says && document.querySelector('[data-live]')) {
  connect()
  addEventListener('pointerdown', () => (pressed = true))
  for (const over of ['pointerup', 'pointercancel']) addEventListener(over, () => (pressed = false))
  // A page that nobody sees costs nothing, and leaves its connection to others.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      stream?.close()
      stream = null
    } else connect()
  })
  setInterval(() => document.hidden || Date.now() < fetchedAt + atLeastEach || soon(), 5_000)
}
