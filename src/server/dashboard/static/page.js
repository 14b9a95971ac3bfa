// What a page does at a key or a click besides links and forms.
const theme = document.getElementById('theme')
if (theme) {
  const dark = () =>
    (document.documentElement.dataset.theme ??
      (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  const show = () => {
    theme.textContent = dark() ? 'Light' : 'Dark'
    theme.setAttribute('aria-label', `${theme.textContent} theme`)
  }
  theme.hidden = false
  show()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show)
  theme.addEventListener('click', () => {
    const chosen = dark() ? 'light' : 'dark'
    document.documentElement.dataset.theme = chosen
    try {
      localStorage.setItem('muster-theme', chosen)
    } catch {
      // It holds for this page alone.
    }
    show()
    document.dispatchEvent(new Event('muster:theme'))
  })
}

for (const form of document.querySelectorAll('form[data-filter]')) {
  form.addEventListener('change', () => form.requestSubmit())
}

// What is left empty need not stand in the address.
document.addEventListener('submit', ({ target }) => {
  if (target.method !== 'get') return
  for (const field of target.querySelectorAll('select, input')) if (field.value === '') field.disabled = true
})

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
  if (/^(?:INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '')) return
  const filter = document.querySelector('form[data-filter] :is(input[type="search"], select)')
  if (!filter) return
  event.preventDefault()
  filter.focus()
})
