/** Times are told as distances, and distances grow. The same words as in `marks.ts`. */
function relative() {
  for (const time of document.querySelectorAll('time[datetime]:not([data-still])')) {
    const at = Date.parse(time.dateTime)
    time.title = new Date(at).toLocaleString()
    if (time.dataset.clock === undefined) time.textContent = distance(at - Date.now())
    else time.textContent = new Date(at).toLocaleString()
  }
}

function distance(ms) {
  const s = Math.floor(Math.abs(ms) / 1_000)
  if (s < 1) return 'now'
  const text =
    s < 60
      ? `${s} s`
      : s < 3_600
        ? `${Math.floor(s / 60)} min`
        : s < 172_800
          ? `${Math.floor(s / 3_600)} h`
          : `${Math.floor(s / 86_400)} d`
  return ms < 0 ? `${text} ago` : `in ${text}`
}

relative()
setInterval(relative, 5_000)
document.addEventListener('muster:fresh', relative)
