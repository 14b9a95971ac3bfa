// Draws the last hours from the samples that Muster keeps.
const place = document.getElementById('plot')
const says = document.getElementById('plot-says')
let drawn = null
let samples = []
let asked = 0

function colour(name) {
  const probe = document.createElement('i')
  probe.className = name
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function clock(at, step) {
  const seconds = step < 60 ? { second: '2-digit' } : {}
  return new Date(at * 1_000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...seconds,
  })
}

/** Uneven distances are gaps: nobody was there to count. */
function columns() {
  const step = Math.min(...samples.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(samples[index].at)))
  const rows = []
  for (const sample of samples) {
    const at = Date.parse(sample.at) / 1_000
    const last = rows.at(-1)
    if (last && at - last[0] > (step / 1_000) * 25) rows.push([last[0] + step / 1_000, null, null, null, null])
    rows.push([at, sample.queued, sample.busy, sample.idle, sample.booting])
  }
  return [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]))
}

function draw() {
  if (samples.length < 2) return
  const series = (label, name, dash, width) => ({ label, stroke: colour(name), width, dash, points: { show: false } })
  const axis = { stroke: colour('quiet-ink'), grid: { stroke: colour('line-ink'), width: 1 }, ticks: { show: false } }
  drawn?.destroy()
  says.hidden = true
  drawn = new uPlot(
    {
      width: place.clientWidth,
      height: 200,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.1))] } },
      axes: [
        {
          ...axis,
          values: (_, splits, __, ___, step) => splits.map((at) => clock(at, step)),
          space: 70,
          incrs: [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200],
          size: 30,
        },
        { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] },
      ],
      series: [
        {},
        series('queued', 'queued', [], 2.5),
        series('busy', 'busy', [], 2),
        series('idle', 'idle', [8, 4], 2),
        series('booting', 'booting', [2, 3], 2),
      ],
    },
    columns(),
    place,
  )
  const most = (key) => Math.max(...samples.map((sample) => sample[key]))
  drawn.root.setAttribute('role', 'img')
  drawn.root.setAttribute(
    'aria-label',
    `Over ${samples.length} samples at most ${most('queued')} jobs queued, ${most('busy')} runners busy, ${most('idle')} idle and ${most('booting')} booting.`,
  )
}

async function ask() {
  if (Date.now() < asked + 4_000) return
  asked = Date.now()
  try {
    const answer = await fetch(place.dataset.history)
    if (!answer.ok) throw new Error(String(answer.status))
    samples = (await answer.json()).items
    if (samples.length < 2)
      says.textContent = 'The first samples are being taken; the plot begins within a minute or two.'
    else draw()
  } catch {
    if (!drawn) says.textContent = 'The samples cannot be had now.'
  }
}

if (place && typeof uPlot !== 'undefined') {
  says.textContent = 'Loading…'
  void ask()
  document.addEventListener('muster:fresh', () => void ask())
  document.addEventListener('muster:theme', draw)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  addEventListener('resize', () => drawn?.setSize({ width: place.clientWidth, height: 200 }))
}
